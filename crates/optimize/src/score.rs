//! What a metric says about one prediction.

use serde::{Deserialize, Serialize};

/// A grade, higher is better, with an optional reason in words that optimizers may show to a model.
///
/// ```
/// use optimize::Score;
///
/// assert_eq!(Score::from(true).value, 1.0);
/// let score = Score::from(0.5).because("the year is missing");
/// assert!(score.succeeds(Some(0.5)) && !score.succeeds(Some(0.6)));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Score {
    /// The grade; usually between 0 and 1.
    pub value: f64,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
}

impl Score {
    /// The same grade with a reason.
    #[must_use]
    pub fn because(mut self, feedback: impl Into<String>) -> Self {
        self.feedback = Some(feedback.into());
        self
    }

    /// Whether the grade is good enough to learn from: at least the threshold, or simply not zero when there is none.
    ///
    /// A threshold of 0 counts as none, as in DSPy.
    #[must_use]
    pub fn succeeds(&self, threshold: Option<f64>) -> bool {
        match threshold {
            Some(threshold) if threshold != 0.0 => self.value >= threshold,
            _ => self.value != 0.0,
        }
    }
}

impl From<f64> for Score {
    fn from(value: f64) -> Self {
        Self { value, feedback: None }
    }
}

impl From<bool> for Score {
    fn from(passed: bool) -> Self {
        Self::from(if passed { 1.0 } else { 0.0 })
    }
}

/// A mean as a percentage with two decimals, the form in which programs are compared: `100 * sum / count`, where the
/// exact decimal value decides the rounding and ties go to even (Python's `round`). 0 for no scores.
#[must_use]
pub(crate) fn percentage(sum: f64, count: usize) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let exact = 100.0 * sum / count as f64;
    // Formatting rounds the exact binary value half to even, which is what Python does; infinities parse back as well.
    format!("{exact:.2}").parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_python_does() {
        assert_eq!(percentage(2.0, 3), 66.67);
        assert_eq!(percentage(1.0, 8), 12.5);
        // 0.125 is a binary fraction: a tie, which goes to the even digit.
        assert_eq!(percentage(0.125, 100), 0.12);
        assert_eq!(percentage(0.375, 100), 0.38);
        assert_eq!(percentage(0.0, 0), 0.0);
    }

    #[test]
    fn a_threshold_of_zero_is_no_threshold() {
        assert!(!Score::from(0.0).succeeds(Some(0.0)));
        assert!(Score::from(-1.0).succeeds(None));
    }
}
