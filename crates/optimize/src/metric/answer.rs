//! Metrics over the field `answer`: exact match, F1 and passage match.

use async_trait::async_trait;
use predict::Value;

use super::text::{exact_match, f1, passage_match};
use super::{Case, Metric, MetricError, text_of};
use crate::score::Score;

/// Whether the predicted `answer` is the example's, which may be one text or a list of texts that are all right.
///
/// With a fraction below 1, whether their token F1 reaches it (DSPy's `answer_exact_match(frac=...)`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnswerExactMatch {
    /// 1 for exact match, less for the least F1.
    pub fraction: f64,
}

impl Default for AnswerExactMatch {
    fn default() -> Self {
        Self { fraction: 1.0 }
    }
}

/// The token F1 of the predicted `answer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AnswerF1;

/// Whether a predicted passage (`context`, a list of texts) holds the example's `answer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AnswerPassageMatch;

#[async_trait]
impl Metric for AnswerExactMatch {
    fn name(&self) -> &str {
        "answer_exact_match"
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let answers = right_answers(case)?;
        let predicted = text_of(case.prediction.get("answer"), "prediction", "answer")?;
        let matches = match self.fraction >= 1.0 {
            true => exact_match(predicted, &answers),
            false => f1(predicted, &answers).map(|score| score >= self.fraction),
        };
        matches.map(Score::from).ok_or_else(no_answers)
    }
}

#[async_trait]
impl Metric for AnswerF1 {
    fn name(&self) -> &str {
        "answer_f1"
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let predicted = text_of(case.prediction.get("answer"), "prediction", "answer")?;
        f1(predicted, &right_answers(case)?).map(Score::from).ok_or_else(no_answers)
    }
}

#[async_trait]
impl Metric for AnswerPassageMatch {
    fn name(&self) -> &str {
        "answer_passage_match"
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let passages = case.prediction.get("context").and_then(Value::as_list);
        let passages =
            passages.ok_or_else(|| MetricError::Invalid("the prediction has no list `context`".to_owned()))?;
        let passages: Vec<&str> = passages.iter().filter_map(Value::as_str).collect();
        Ok(passage_match(&passages, &right_answers(case)?).into())
    }
}

fn no_answers() -> MetricError {
    MetricError::Invalid("the example has no answer to compare with".to_owned())
}

/// The example's `answer`: one text, or several that are all right.
fn right_answers<'a>(case: &'a Case<'_>) -> Result<Vec<&'a str>, MetricError> {
    match case.example.get("answer") {
        Some(Value::Str(answer)) => Ok(vec![answer]),
        Some(Value::List(answers)) => Ok(answers.iter().filter_map(Value::as_str).collect()),
        _ => Err(MetricError::Invalid("the example has no text or list `answer`".to_owned())),
    }
}
