//! One run of a program on one example, with its trace and its score.

use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use predict::{CallError, Context, Example, LmErrorKind, Map, Prediction, RetryAdvice, Run, Settings};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::metric::{Case, Metric};
use crate::optimizer::OptimizeError;
use crate::program::Program;
use crate::score::Score;
use crate::study::{Part, Scope};

/// What came of running a program on an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// What the program predicted; `None` when it failed.
    pub prediction: Option<Map>,
    /// The calls of its predictors, in order, also when it failed.
    pub trace: Vec<TraceStep>,
    /// The metric's score, or the score that failures get.
    pub score: Score,
    /// Why the program or the metric failed.
    pub failure: Option<Failure>,
}

/// One call of a predictor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceStep {
    /// The predictor's name in the program.
    pub predictor: String,
    /// What it was given.
    pub inputs: Map,
    /// What it predicted; empty when it failed.
    pub outputs: Map,
    /// The completion that could not be read, if that is how it failed.
    pub unreadable: Option<String>,
}

/// Why there is no prediction or no score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure, by DSPy's name of the exception where it has one.
    pub class: String,
    /// What happened.
    pub message: String,
    /// Whether the same run may succeed later, so that a resumed study tries it again.
    pub transient: bool,
}

impl Rollout {
    /// Whether reading the written rollout gives the rollout: not so with a tool, an image or a NaN among its values.
    pub(crate) fn survives_json(&self) -> bool {
        let text = serde_json::to_string(self).ok();
        text.and_then(|text| serde_json::from_str::<Self>(&text).ok()).is_some_and(|read| read == *self)
    }
}

impl Failure {
    /// A failure of a metric.
    pub(crate) fn of_metric(message: impl Into<String>) -> Self {
        Self { class: "MetricError".to_owned(), message: message.into(), transient: false }
    }

    pub(crate) fn of_call(error: &CallError) -> Self {
        let transient = matches!(error.retry(), RetryAdvice::Later(_)) || error.is_final();
        Self { class: class_of(error).to_owned(), message: chain(error), transient }
    }
}

/// The exception that DSPy raises for the same failure, or its closest relative.
fn class_of(error: &CallError) -> &'static str {
    match error {
        CallError::Parse { source, .. } => source.class(),
        CallError::Format { .. } => "TypeError",
        CallError::Lm { source, .. } if source.kind == LmErrorKind::ContextWindowExceeded => {
            "ContextWindowExceededError"
        }
        CallError::Lm { .. } => "LMError",
        CallError::NoAttemptSucceeded { last, .. } => class_of(last),
        CallError::Cancelled => "Cancelled",
        _ => "ValueError",
    }
}

/// An error with its causes: `Display` of each tells only its own part.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// How to run and score.
#[derive(Clone)]
pub struct Roll<'a> {
    /// What is to be good; without one every run that does not fail scores 1.
    pub metric: Option<&'a dyn Metric>,
    /// Which model runs the program.
    pub part: Part,
    /// Settings of all its requests (temperature, rollout id).
    pub settings: Settings,
    /// Whether the metric decides about demonstrations: it then sees the trace, and may be stricter.
    pub bootstrapping: bool,
    /// The score of a failed run.
    pub failure_score: f64,
}

impl Default for Roll<'_> {
    fn default() -> Self {
        let settings = Settings::new();
        Self { metric: None, part: Part::Task, settings, bootstrapping: false, failure_score: 0.0 }
    }
}

/// A run to be made.
pub(crate) struct Job<'a, P> {
    pub(crate) program: &'a P,
    pub(crate) example: &'a Example,
    pub(crate) plan: Roll<'a>,
    pub(crate) scope: Scope<'a>,
}

/// Makes runs, as many at once as the study allows, and gives their results in order.
pub(crate) fn roll_all<'a, P: Program>(
    jobs: Vec<Job<'a, P>>,
    concurrency: usize,
) -> BoxStream<'a, Result<Rollout, OptimizeError>> {
    let start = |job: Job<'a, P>| async move { roll(job.program, job.example, &job.plan, &job.scope).await }.boxed();
    stream::iter(jobs.into_iter().map(start).collect::<Vec<_>>()).buffered(concurrency).boxed()
}

/// Runs a program on an example and scores it, or takes the rollout of this scope from the journal.
///
/// # Errors
/// Only when the study cannot go on. A program or a metric that fails is a rollout with a failure.
pub async fn roll<P: Program>(
    program: &P,
    example: &Example,
    plan: &Roll<'_>,
    scope: &Scope<'_>,
) -> Result<Rollout, OptimizeError> {
    let known = scope.ledger().finished(scope.path());
    let replayed = known.is_some();
    let rollout = match known {
        Some(rollout) => rollout,
        None => {
            let run = scope.context(plan.part, plan.settings.clone()).run(program, example.inputs()).await;
            // A call that was refused for the budget may have been survived by the program; its outcome then means
            // nothing.
            scope.check()?;
            let rollout = score(example, run, plan, scope).await;
            scope.check()?;
            rollout
        }
    };
    if !replayed && !rollout.failure.as_ref().is_some_and(|failure| failure.transient) {
        scope.ledger().finish(scope.path(), &rollout).await?;
    }
    let error = rollout.failure.as_ref().map(|failure| failure.message.clone());
    scope.tell(Event::Scored { scope: scope.path().to_owned(), score: rollout.score.value, error });
    Ok(rollout)
}

async fn score(example: &Example, run: Run, plan: &Roll<'_>, scope: &Scope<'_>) -> Rollout {
    let trace: Vec<TraceStep> = run.trace.into_iter().map(step).collect();
    let failed = |failure: Failure, prediction: Option<Map>, trace| Rollout {
        prediction,
        trace,
        score: plan.failure_score.into(),
        failure: Some(failure),
    };
    let prediction = match run.outcome {
        Ok(prediction) => prediction,
        Err(error) => return failed(Failure::of_call(&error), None, trace),
    };
    let scored = grade(example, &prediction, &trace, plan, scope).await;
    match scored {
        Ok(score) => Rollout { prediction: Some(prediction.values), trace, score, failure: None },
        Err(failure) => failed(failure, Some(prediction.values), trace),
    }
}

async fn grade(
    example: &Example,
    prediction: &Prediction,
    trace: &[TraceStep],
    plan: &Roll<'_>,
    scope: &Scope<'_>,
) -> Result<Score, Failure> {
    let Some(metric) = plan.metric else { return Ok(true.into()) };
    let judge: Context = scope.child("metric").context(Part::Judge, Settings::new());
    let case = Case { example, prediction, trace, bootstrapping: plan.bootstrapping, predictor: None, judge: &judge };
    metric.score(&case).await.map_err(|error| error.failure())
}

fn step(step: predict::Step) -> TraceStep {
    let unreadable = step.outcome.as_ref().err().and_then(|error| error.completion().map(str::to_owned));
    let outputs = step.outcome.map(|prediction| prediction.values).unwrap_or_default();
    TraceStep { predictor: step.predictor, inputs: step.inputs, outputs, unreadable }
}
