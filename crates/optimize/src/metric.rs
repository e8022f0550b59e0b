//! Metrics: what is to be good, as a function of an example and a prediction.
//!
//! A metric is anything that implements [`Metric`]; [`metric`] makes one from a closure. Those that ask a model
//! themselves ([`judge`]) get it as an argument, so that their calls are booked, limited and resumed like all others.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use predict::{CallError, Context, Example, Prediction, Value};
use serde::Serializer;
use thiserror::Error;

use crate::rollout::{Failure, TraceStep, chain};
use crate::score::Score;

pub mod answer;
pub mod judge;
pub mod text;

/// What a metric judges.
pub struct Case<'a> {
    /// The example, with its labels.
    pub example: &'a Example,
    /// What the program predicted for it.
    pub prediction: &'a Prediction,
    /// How it got there: the calls of its predictors.
    pub trace: &'a [TraceStep],
    /// Whether the answer decides about demonstrations. DSPy tells this by passing a trace at all; metrics may be
    /// stricter then.
    pub bootstrapping: bool,
    /// The predictor that feedback is wanted for, when an optimizer asks for one predictor in particular.
    pub predictor: Option<&'a str>,
    /// The model to ask, for metrics that do.
    pub judge: &'a Context,
}

/// Why a metric could not judge.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Example or prediction lacks what the metric compares.
    #[error("{0}")]
    Invalid(String),
    /// The judging model failed.
    #[error("the judge failed")]
    Judge(#[from] CallError),
}

impl MetricError {
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Invalid(reason) => Failure::of_metric(reason),
            Self::Judge(error) => Failure { message: chain(self), ..Failure::of_call(error) },
        }
    }
}

/// What is to be good.
#[async_trait]
pub trait Metric: Send + Sync {
    /// The metric's name. It stands for the metric in the fingerprint of a study, so it should change when the metric
    /// does.
    fn name(&self) -> &str;

    /// Whether the feedback depends on [`Case::predictor`], so that asking again for one predictor is worth its cost.
    fn explains_predictors(&self) -> bool {
        false
    }

    /// Judges one prediction.
    ///
    /// # Errors
    /// When it cannot be judged; the run then counts as failed.
    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError>;
}

/// A metric from a closure over example and prediction that gives a `bool`, an `f64` or a [`Score`].
///
/// ```
/// use optimize::metric::metric;
///
/// let short = metric("short", |_, prediction| prediction.text("answer").is_some_and(|answer| answer.len() < 20));
/// # let _ = short;
/// ```
pub fn metric<S, F>(name: impl Into<String>, judge: F) -> Arc<dyn Metric>
where
    S: Into<Score>,
    F: Fn(&Example, &Prediction) -> S + Send + Sync + 'static,
{
    Arc::new(FnMetric { name: name.into(), judge })
}

struct FnMetric<F> {
    name: String,
    judge: F,
}

#[async_trait]
impl<S, F> Metric for FnMetric<F>
where
    S: Into<Score>,
    F: Fn(&Example, &Prediction) -> S + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn score(&self, case: &Case<'_>) -> Result<Score, MetricError> {
        Ok((self.judge)(case.example, case.prediction).into())
    }
}

impl fmt::Debug for dyn Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Metric").field(&self.name()).finish()
    }
}

/// The text of a label or an output.
pub(crate) fn text_of<'a>(value: Option<&'a Value>, owner: &str, field: &str) -> Result<&'a str, MetricError> {
    value.and_then(Value::as_str).ok_or_else(|| MetricError::Invalid(format!("the {owner} has no text `{field}`")))
}

/// A metric as its name, for settings.
pub(crate) fn name<S: Serializer>(metric: &Arc<dyn Metric>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(metric.name())
}

/// As [`name`], where there may be none.
pub(crate) fn optional_name<S: Serializer>(metric: &Option<Arc<dyn Metric>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&metric.as_ref().map(|metric| metric.name()))
}
