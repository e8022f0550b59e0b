//! Metrics that ask a model: semantic F1, completeness with groundedness, and a judge by criteria of one's own.
//!
//! Fields and procedure are those of DSPy's `SemanticF1` and `CompleteAndGrounded`; the instructions are this crate's
//! own.

use async_trait::async_trait;
use predict::{ChainOfThought, Field, Map, Module as _, Prediction, Signature, Type, Value};

use super::text::harmonic_f1;
use super::{Case, Metric, MetricError, text_of};
use crate::score::Score;

/// The least score that counts as a success while bootstrapping.
pub const DEFAULT_THRESHOLD: f64 = 0.66;

/// How much of the true `response` the predicted `response` covers, and how much of it is covered: the harmonic mean of
/// recall and precision as a model sees them. The example also needs a `question`.
#[derive(Debug, Clone)]
pub struct SemanticF1 {
    /// While bootstrapping, the score is whether this is reached.
    pub threshold: f64,
    judge: ChainOfThought,
    name: &'static str,
}

impl Default for SemanticF1 {
    fn default() -> Self {
        let task = "Compare a response with the true one. Recall is the part of the true response's content that the \
                    response has; precision is the part of the response's content that the true one has. When you \
                    reason, go through the key ideas of both and say which are in the other.";
        Self::judged_by("semantic_f1", task, Vec::new())
    }
}

impl SemanticF1 {
    /// The variant that first lists the key ideas of both responses and discusses them.
    #[must_use]
    pub fn decompositional() -> Self {
        let task = "Compare the key ideas of a response with those of the true one. List the key ideas of each, \
                    discuss what they share, then give recall (the part of the true ideas that the response has) and \
                    precision (the part of the response's ideas that the true one has).";
        Self::judged_by("semantic_f1_decompositional", task, key_ideas())
    }

    /// The same with another threshold for bootstrapping.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    fn judged_by(name: &'static str, task: &str, steps: Vec<Field>) -> Self {
        let mut fields = responses();
        fields.extend(steps);
        fields.push(fraction("recall", "fraction (out of 1.0) of the ground truth that the system response covers"));
        fields.push(fraction("precision", "fraction (out of 1.0) of the system response that the ground truth covers"));
        let judge = ChainOfThought::of(Signature::new("SemanticRecallPrecision", Some(task), fields));
        Self { threshold: DEFAULT_THRESHOLD, judge, name }
    }
}

#[async_trait]
impl Metric for SemanticF1 {
    fn name(&self) -> &str {
        self.name
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let judged = self.judge.forward(response_inputs(case)?, case.judge).await?;
        let score = harmonic_f1(number(&judged, "precision")?, number(&judged, "recall")?);
        Ok(graded(score, self.threshold, case, &judged))
    }
}

/// Whether the predicted `response` says all that the true one says and nothing that its retrieved `context` does not
/// support: the harmonic mean of completeness and groundedness, each judged on its own. Takes two calls.
#[derive(Debug, Clone)]
pub struct CompleteAndGrounded {
    /// While bootstrapping, the score is whether this is reached.
    pub threshold: f64,
    completeness: ChainOfThought,
    groundedness: ChainOfThought,
}

impl Default for CompleteAndGrounded {
    fn default() -> Self {
        let completeness = "Say how complete a response is, measured against the true one. List the key ideas of each, \
                            discuss what they share, then give the completeness.";
        let groundedness = "Say how well retrieved documents support a response. List the claims of the response that \
                            are worth checking, discuss which of them follow from the documents and common sense, then \
                            give the groundedness.";
        let mut complete = responses();
        complete.extend(key_ideas());
        complete.push(fraction(
            "completeness",
            "fraction (out of 1.0) of the ground truth that the system response covers",
        ));
        let grounded = vec![
            Field::input("question", Type::Str),
            Field::input("retrieved_context", Type::Str),
            Field::input("system_response", Type::Str),
            Field::output("system_response_claims", Type::Str).desc("the claims in the system response worth checking"),
            Field::output("discussion", Type::Str).desc("how far the retrieved context supports the claims"),
            fraction(
                "groundedness",
                "fraction (out of 1.0) of the system response that the retrieved context supports",
            ),
        ];
        Self {
            threshold: DEFAULT_THRESHOLD,
            completeness: ChainOfThought::of(Signature::new("AnswerCompleteness", Some(completeness), complete)),
            groundedness: ChainOfThought::of(Signature::new("AnswerGroundedness", Some(groundedness), grounded)),
        }
    }
}

#[async_trait]
impl Metric for CompleteAndGrounded {
    fn name(&self) -> &str {
        "complete_and_grounded"
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let mut inputs = response_inputs(case)?;
        let complete = self.completeness.forward(inputs.clone(), case.judge).await?;
        inputs.shift_remove("ground_truth");
        let context = case.prediction.get("context").cloned();
        let context = context.ok_or_else(|| MetricError::Invalid("the prediction has no `context`".to_owned()))?;
        inputs.insert("retrieved_context".to_owned(), context);
        let grounded = self.groundedness.forward(inputs, case.judge).await?;
        let score = harmonic_f1(number(&grounded, "groundedness")?, number(&complete, "completeness")?);
        Ok(graded(score, self.threshold, case, &complete))
    }
}

/// A judge by criteria in words, which sees the example's inputs and labels and the prediction.
///
/// ```
/// use std::sync::Arc;
///
/// use optimize::metric::judge::LlmJudge;
/// use optimize::metric::{Case, Metric};
/// use predict::{Context, Example, Prediction, ScriptedLm, map};
///
/// let lm = ScriptedLm::texts(["[[ ## reasoning ## ]]\nNo source is named.\n\n[[ ## score ## ]]\n0.4"]);
/// let (judge, example) = (Context::new(Arc::new(lm)), Example::new(map! { "question" => "Why is the sky blue?" }));
/// let prediction = Prediction::from(map! { "answer" => "Because of scattering." });
/// let (example, prediction, judge) = (&example, &prediction, &judge);
/// let case = Case { example, prediction, trace: &[], bootstrapping: false, predictor: None, judge };
///
/// let metric = LlmJudge::new("names_its_source", "Does the answer name its source?");
/// let score = futures::executor::block_on(metric.score(&case))?;
/// assert_eq!((score.value, score.feedback.as_deref()), (0.4, Some("No source is named.")));
/// # Ok::<(), optimize::metric::MetricError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LlmJudge {
    name: String,
    judge: ChainOfThought,
    threshold: Option<f64>,
}

impl LlmJudge {
    /// A judge with a name and criteria.
    #[must_use]
    pub fn new(name: impl Into<String>, criteria: &str) -> Self {
        let task = format!("Judge how well a prediction for an example meets these criteria:\n{criteria}");
        let fields = vec![
            Field::input("example_inputs", Type::Str).desc("what the program was given"),
            Field::input("example_labels", Type::Str).desc("what is known to be right"),
            Field::input("prediction", Type::Str).desc("what the program predicted"),
            fraction("score", "from 0.0 (criteria not met at all) to 1.0 (fully met)"),
        ];
        let judge = ChainOfThought::of(Signature::new("JudgePrediction", Some(&task), fields));
        Self { name: name.into(), judge, threshold: None }
    }

    /// The same judge; while bootstrapping its score is whether this is reached.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }
}

#[async_trait]
impl Metric for LlmJudge {
    fn name(&self) -> &str {
        &self.name
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        let mut inputs = Map::new();
        inputs.insert("example_inputs".to_owned(), shown(case.example.inputs()));
        inputs.insert("example_labels".to_owned(), shown(case.example.labels()));
        inputs.insert("prediction".to_owned(), shown(case.prediction.values.clone()));
        let judged = self.judge.forward(inputs, case.judge).await?;
        let score = number(&judged, "score")?.clamp(0.0, 1.0);
        Ok(graded(score, self.threshold.unwrap_or(0.0), case, &judged))
    }
}

/// The score itself, or while bootstrapping whether it reaches the threshold, with the judge's reasoning.
fn graded(score: f64, threshold: f64, case: &Case<'_>, judged: &Prediction) -> Score {
    let grade =
        if case.bootstrapping && threshold > 0.0 { Score::from(score >= threshold) } else { Score::from(score) };
    match judged.text("reasoning") {
        Some(reasoning) => grade.because(reasoning),
        None => grade,
    }
}

fn shown(values: Map) -> Value {
    let lines = values.iter().map(|(name, value)| format!("{name}: {}", crate::ask::shown(value)));
    Value::Str(lines.collect::<Vec<_>>().join("\n"))
}

fn responses() -> Vec<Field> {
    ["question", "ground_truth", "system_response"].map(|name| Field::input(name, Type::Str)).to_vec()
}

fn key_ideas() -> Vec<Field> {
    vec![
        Field::output("ground_truth_key_ideas", Type::Str).desc("the key ideas of the ground truth, as a list"),
        Field::output("system_response_key_ideas", Type::Str).desc("the key ideas of the system response, as a list"),
        Field::output("discussion", Type::Str).desc("what ground truth and system response share and what they do not"),
    ]
}

fn fraction(name: &str, meaning: &str) -> Field {
    Field::output(name, Type::Float).desc(meaning)
}

fn response_inputs(case: &Case<'_>) -> Result<Map, MetricError> {
    let of_example = |field: &str| text_of(case.example.get(field), "example", field);
    let response = text_of(case.prediction.get("response"), "prediction", "response")?;
    Ok(predict::map! {
        "question" => of_example("question")?,
        "ground_truth" => of_example("response")?,
        "system_response" => response,
    })
}

fn number(judged: &Prediction, field: &str) -> Result<f64, MetricError> {
    let value = judged.get(field).and_then(Value::as_f64);
    value.ok_or_else(|| MetricError::Invalid(format!("the judge gave no number `{field}`")))
}
