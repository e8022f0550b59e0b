//! Comparing answers as text: exact match, token F1 and passage match after the usual question-answering normalisation.
//!
//! The functions give what DSPy 3.4.1's `dspy.evaluate.metrics` gives, which follow SQuAD (Rajpurkar et al., 2016) for
//! normalisation and F1, HotpotQA (Yang et al., 2018) for its yes/no rule and DPR (Karpukhin et al., 2020) for
//! passages.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::UnicodeGeneralCategory as _;

pub use predict::normalize_text;

/// Whether the prediction equals one of the answers after normalisation.
///
/// `None` without any answer to compare with, where DSPy raises.
#[must_use]
pub fn exact_match<S: AsRef<str>>(prediction: &str, answers: &[S]) -> Option<bool> {
    let prediction = normalize_text(prediction);
    (!answers.is_empty()).then(|| answers.iter().any(|answer| normalize_text(answer.as_ref()) == prediction))
}

/// The best token F1 between the prediction and one of the answers, in `[0, 1]`; `None` without answers.
///
/// ```
/// use optimize::metric::text::f1;
///
/// assert_eq!(f1("Eiffel Tower is in Paris", &["Paris"]), Some(0.33333333333333337));
/// ```
#[must_use]
pub fn f1<S: AsRef<str>>(prediction: &str, answers: &[S]) -> Option<f64> {
    let prediction = normalize_text(prediction);
    best(answers, |answer| token_f1(&prediction, &normalize_text(answer)))
}

/// As [`f1`], but where one side is `yes`, `no` or `noanswer` only equality counts (HotpotQA's rule).
#[must_use]
pub fn hotpot_f1<S: AsRef<str>>(prediction: &str, answers: &[S]) -> Option<f64> {
    let verdict = |text: &str| matches!(text, "yes" | "no" | "noanswer");
    let prediction = normalize_text(prediction);
    best(answers, |answer| {
        let answer = normalize_text(answer);
        if prediction != answer && (verdict(&prediction) || verdict(&answer)) {
            return 0.0;
        }
        token_f1(&prediction, &answer)
    })
}

/// The share of the prediction's tokens that the reference has as well, in `[0, 1]`.
#[must_use]
pub fn token_precision(prediction: &str, reference: &str) -> f64 {
    let overlap = Overlap::of(&normalize_text(prediction), &normalize_text(reference));
    if overlap.shared == 0 { 0.0 } else { overlap.shared as f64 / overlap.prediction as f64 }
}

/// Whether a passage contains one of the answers as a run of whole tokens.
#[must_use]
pub fn passage_match<P: AsRef<str>, A: AsRef<str>>(passages: &[P], answers: &[A]) -> bool {
    let answers: Vec<_> = answers.iter().map(|answer| dpr_tokens(&normalize_text(answer.as_ref()))).collect();
    passages.iter().any(|passage| {
        let passage = dpr_tokens(&normalize_text(passage.as_ref()));
        answers.iter().any(|answer| answer.is_empty() || passage.windows(answer.len()).any(|run| run == answer))
    })
}

/// Lower-cased tokens as DPR's simple tokenizer makes them: runs of letters, digits and marks, or single symbols.
#[must_use]
pub fn dpr_tokens(text: &str) -> Vec<String> {
    let (mut tokens, mut word) = (Vec::new(), String::new());
    for character in text.nfd() {
        use unicode_properties::GeneralCategoryGroup as Group;
        let group = character.general_category_group();
        if matches!(group, Group::Letter | Group::Number | Group::Mark) {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word).to_lowercase());
        }
        if !matches!(group, Group::Separator | Group::Other) {
            tokens.push(character.to_lowercase().collect());
        }
    }
    if !word.is_empty() {
        tokens.push(word.to_lowercase());
    }
    tokens
}

/// The harmonic mean of precision and recall, both first clamped to `[0, 1]`; 0 when both are 0 or one is not a number.
#[must_use]
pub fn harmonic_f1(precision: f64, recall: f64) -> f64 {
    let clamp = |value: f64| if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
    let (precision, recall) = (clamp(precision), clamp(recall));
    if precision + recall == 0.0 { 0.0 } else { 2.0 * (precision * recall) / (precision + recall) }
}

fn best<S: AsRef<str>>(answers: &[S], score: impl Fn(&str) -> f64) -> Option<f64> {
    answers.iter().map(|answer| score(answer.as_ref())).reduce(f64::max)
}

/// F1 of two normalised texts; two empty ones share nothing and score 0, as in DSPy and unlike SQuAD 2.0.
fn token_f1(prediction: &str, answer: &str) -> f64 {
    let overlap = Overlap::of(prediction, answer);
    if overlap.shared == 0 {
        return 0.0;
    }
    let precision = overlap.shared as f64 / overlap.prediction as f64;
    let recall = overlap.shared as f64 / overlap.reference as f64;
    (2.0 * precision * recall) / (precision + recall)
}

/// Token counts of two texts and of what they share, each token as often as in the text that has it less often.
struct Overlap {
    shared: usize,
    prediction: usize,
    reference: usize,
}

impl Overlap {
    fn of(prediction: &str, reference: &str) -> Self {
        let mut left: HashMap<&str, usize> = HashMap::new();
        let mut overlap = Self { shared: 0, prediction: 0, reference: 0 };
        for token in reference.split(' ').filter(|token| !token.is_empty()) {
            *left.entry(token).or_default() += 1;
            overlap.reference += 1;
        }
        for token in prediction.split(' ').filter(|token| !token.is_empty()) {
            overlap.prediction += 1;
            if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
                *count -= 1;
                overlap.shared += 1;
            }
        }
        overlap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_tokens_count_as_often_as_both_sides_have_them() {
        assert_eq!(f1("b b c", &["b c c"]), Some(0.666_666_666_666_666_6));
    }

    #[test]
    fn without_answers_there_is_no_score() {
        assert_eq!(exact_match::<&str>("x", &[]), None);
        assert_eq!(f1::<&str>("x", &[]), None);
    }

    #[test]
    fn an_answer_matches_whole_tokens_of_a_passage_only() {
        assert!(!passage_match(&["chrome"], &["Rome"]));
        assert!(passage_match(&["x Oslo y"], &["Rome", "Oslo"]));
        assert!(passage_match(&["abc"], &[""]));
        assert!(!passage_match::<&str, _>(&[], &["x"]));
    }

    #[test]
    fn a_judge_outside_of_its_scale_is_clamped() {
        assert_eq!(harmonic_f1(1.5, -2.0), 0.0);
        assert_eq!(harmonic_f1(1.5, 1.0), 1.0);
        assert_eq!(harmonic_f1(f64::NAN, 1.0), 0.0);
    }
}
