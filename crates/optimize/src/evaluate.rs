//! Evaluate: a program on every example of a set, several at once, and the results as a score and as a table.

use futures::StreamExt as _;
use predict::Example;
use serde::Serialize;

use crate::event::Event;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Work, fingerprint};
use crate::program::Program;
use crate::rollout::{Job, Roll, Rollout, roll_all};
use crate::score::percentage;
use crate::study::{Scope, Study};

pub mod table;

/// Runs a program on a set of examples and scores each run.
///
/// A run that fails gets [`Evaluate::failure_score`]; the `max_errors`-th failure ends the evaluation. In a study with
/// a journal an interrupted evaluation goes on where it stopped.
#[derive(Clone, Copy)]
pub struct Evaluate<'a> {
    /// The examples.
    pub devset: &'a [Example],
    /// What is to be good.
    pub metric: &'a dyn Metric,
    /// The failure that is one too many.
    pub max_errors: usize,
    /// The score of a failed run.
    pub failure_score: f64,
}

/// The result of an [`Evaluate`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The mean as a percentage with two decimals.
    pub score: f64,
    /// One run for each example, in the order of the examples.
    pub rollouts: Vec<Rollout>,
}

impl Evaluation {
    /// The evaluation that these runs make.
    #[must_use]
    pub fn of(rollouts: Vec<Rollout>) -> Self {
        let sum = rollouts.iter().map(|rollout| rollout.score.value).sum();
        Self { score: percentage(sum, rollouts.len()), rollouts }
    }

    /// The grades alone.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        self.rollouts.iter().map(|rollout| rollout.score.value).collect()
    }

    /// The mean grade, not rounded; 0 without runs.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean(&self.scores())
    }
}

/// The arithmetic mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

impl<'a> Evaluate<'a> {
    /// The defaults: the tenth failure is one too many, a failed run scores 0.
    #[must_use]
    pub fn new(devset: &'a [Example], metric: &'a dyn Metric) -> Self {
        Self { devset, metric, max_errors: 10, failure_score: 0.0 }
    }

    /// Evaluates as a task of its own in a study.
    ///
    /// # Errors
    /// When the set is empty, too many runs fail, or the study cannot go on.
    pub async fn run<P: Program>(&self, program: &P, study: &Study) -> Result<Evaluation, OptimizeError> {
        let scope = study.task("Evaluate");
        let settings = serde_json::json!([self.metric.name(), self.max_errors, self.failure_score]);
        scope.begin(fingerprint("Evaluate", &settings, &[program], &[self.devset])).await?;
        scope.tell(Event::Started { task: "Evaluate".to_owned() });
        let evaluation = self.run_in(program, &scope).await?;
        scope.tell(Event::Finished { spend: study.spend() });
        Ok(evaluation)
    }

    /// Evaluates as a part of another task. The scope must not be used for anything else.
    ///
    /// # Errors
    /// As [`Evaluate::run`].
    pub async fn run_in<P: Program>(&self, program: &P, scope: &Scope<'_>) -> Result<Evaluation, OptimizeError> {
        if self.devset.is_empty() {
            return Err(OptimizeError::Invalid("there are no examples to evaluate on".to_owned()));
        }
        let plan = Roll { metric: Some(self.metric), failure_score: self.failure_score, ..Roll::default() };
        let job = |(index, example)| Job { program, example, plan: plan.clone(), scope: scope.child(index) };
        let mut runs = roll_all(self.devset.iter().enumerate().map(job).collect(), scope.concurrency());
        let (mut rollouts, mut errors) = (Vec::with_capacity(self.devset.len()), 0);
        while let Some(rollout) = runs.next().await {
            let rollout = rollout?;
            if let Some(last) = &rollout.failure {
                errors += 1;
                if errors >= self.max_errors {
                    return Err(OptimizeError::TooManyErrors {
                        during: Work::Evaluating,
                        count: errors,
                        last: last.clone(),
                    });
                }
            }
            rollouts.push(rollout);
        }
        Ok(Evaluation::of(rollouts))
    }
}
