//! The face that all optimizers share: a student and data go in, the best program found and everything tried come out.

use std::sync::Arc;

use async_trait::async_trait;
use predict::Example;
use thiserror::Error;

use crate::budget::Limit;
use crate::candidate::{Candidate, Outcome, Pool};
use crate::event::Event;
use crate::journal::JournalError;
use crate::ledger::digest_of;
use crate::program::Program;
use crate::rollout::Failure;
use crate::study::{Scope, Study};

/// Why an optimizer or an evaluation found nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OptimizeError {
    /// The data does not suffice, or a setting contradicts another.
    #[error("{0}")]
    Invalid(String),
    /// The teacher is not the same kind of program as the student.
    #[error("teacher and student differ: {0}")]
    Mismatch(String),
    /// As many examples failed as the run puts up with; this is the last failure.
    #[error("{count} examples failed while {during}, the last one with {}: {}", last.class, last.message)]
    TooManyErrors {
        /// In which part of the work.
        during: Work,
        /// How many failed.
        count: usize,
        /// The last failure.
        last: Failure,
    },
    /// The model that proposes gave nothing to go on with.
    #[error("no proposal from the model: {message}")]
    NoProposal {
        /// What it said or what failed.
        message: String,
        /// Whether it was asked more than its context holds.
        too_long: bool,
    },
    /// The budget was spent before there was a first candidate.
    #[error("the budget of {limit} was spent before there was a result")]
    OutOfBudget {
        /// Which limit.
        limit: Limit,
    },
    /// The journal failed or belongs to another run.
    #[error(transparent)]
    Journal(Arc<JournalError>),
}

impl From<JournalError> for OptimizeError {
    fn from(error: JournalError) -> Self {
        Self::Journal(Arc::new(error))
    }
}

/// The work that examples fail in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Work {
    /// Running the teacher for demonstrations.
    Bootstrapping,
    /// Judging a program.
    Evaluating,
}

impl OptimizeError {
    /// Whether the study as a whole cannot go on, so that no part of it may treat this as a mere bad example.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::OutOfBudget { .. } | Self::Journal(_))
    }
}

/// A program whose successful runs become demonstrations.
#[derive(Debug, Clone)]
pub struct Teacher<P> {
    /// The program, of the same structure as the student.
    pub program: P,
    /// Whether an optimizer made it, so that it keeps its own demonstrations instead of getting labeled ones.
    pub compiled: bool,
}

/// What a caller may give an optimizer besides student and trainset.
#[derive(Debug)]
pub struct Extras<'a, P> {
    /// Examples to judge candidates by, where they differ from those to learn from.
    pub valset: Option<&'a [Example]>,
    /// Who demonstrates instead of the student itself.
    pub teacher: Option<&'a Teacher<P>>,
}

impl<P> Default for Extras<'_, P> {
    fn default() -> Self {
        Self { valset: None, teacher: None }
    }
}

impl<'a, P> From<&'a [Example]> for Extras<'a, P> {
    fn from(valset: &'a [Example]) -> Self {
        Self { valset: Some(valset), teacher: None }
    }
}

/// What an optimizer works on: the data and its part of the study.
pub struct Task<'a, P> {
    /// Examples to learn from.
    pub trainset: &'a [Example],
    /// Examples to judge candidates by, where they differ from the trainset.
    pub valset: Option<&'a [Example]>,
    /// Who demonstrates instead of the student itself.
    pub teacher: Option<&'a Teacher<P>>,
    /// Where calls are made and booked.
    pub scope: &'a Scope<'a>,
}

impl<P> Clone for Task<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Task<'_, P> {}

impl<'a, P> Task<'a, P> {
    /// The examples to judge by: the validation set or, without one, the trainset.
    #[must_use]
    pub fn judging_set(&self) -> &'a [Example] {
        self.valset.filter(|examples| !examples.is_empty()).unwrap_or(self.trainset)
    }
}

/// A way to improve a program with examples and a metric.
///
/// Implementations write [`Optimizer::search`]; callers use [`Optimizer::compile`].
#[async_trait]
pub trait Optimizer<P: Program>: Send + Sync {
    /// The optimizer's name.
    fn name(&self) -> &'static str;

    /// Everything that decides what it does, apart from program, data and models. A journal written under other
    /// settings is refused.
    fn settings(&self) -> serde_json::Value;

    /// Puts candidates into the pool, the best of which is the result.
    ///
    /// # Errors
    /// As [`Optimizer::compile`]. What is in the pool stays there: when the budget ends, its best is the result.
    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError>;

    /// Improves `student` with the examples; `student` itself is not changed.
    ///
    /// The same program, data, settings and answers of the models give the same outcome.
    ///
    /// # Errors
    /// [`OptimizeError`] when there is no result at all. A budget that ends early is no error once a candidate exists.
    async fn compile(
        &self,
        student: &P,
        trainset: &[Example],
        extras: Extras<'_, P>,
        study: &Study,
    ) -> Result<Outcome<P>, OptimizeError> {
        let scope = study.task(self.name());
        let Extras { valset, teacher } = extras;
        let programs: Vec<&P> = std::iter::once(student).chain(teacher.map(|teacher| &teacher.program)).collect();
        scope
            .begin(fingerprint(self.name(), &self.settings(), &programs, &[trainset, valset.unwrap_or_default()]))
            .await?;
        scope.tell(Event::Started { task: self.name().to_owned() });
        let mut pool = Pool::new(&scope);
        let task = Task { trainset, valset, teacher, scope: &scope };
        let stopped = match self.search(student, task, &mut pool).await {
            Ok(()) => None,
            Err(OptimizeError::OutOfBudget { limit }) if pool.best().is_some() => Some(limit),
            Err(error) => return Err(error),
        };
        let candidates = pool.into_candidates();
        scope.tell(Event::Finished { spend: study.spend() });
        Outcome::new(candidates, stopped, study.spend())
            .ok_or_else(|| OptimizeError::Invalid("the optimizer made no candidate".to_owned()))
    }
}

/// A digest over everything that decides a task apart from the models.
pub(crate) fn fingerprint<P: Program>(
    name: &str,
    settings: &serde_json::Value,
    programs: &[&P],
    data: &[&[Example]],
) -> String {
    let example = |example: &Example| serde_json::json!([example.values, example.input_keys]).to_string();
    let set = |examples: &&[Example]| examples.iter().map(example).collect::<Vec<_>>().join("\n");
    let mut parts = vec![name.to_owned(), settings.to_string()];
    parts.extend(programs.iter().map(|program| crate::program::state_text(*program)));
    parts.extend(data.iter().map(set));
    digest_of(parts.iter().map(String::as_str))
}

/// A candidate that nobody has judged, for optimizers that make exactly one.
pub(crate) fn unjudged<P>(origin: &str, program: P) -> Candidate<P> {
    Candidate {
        origin: origin.to_owned(),
        parents: Vec::new(),
        program,
        score: None,
        complete: true,
        rollouts: Vec::new(),
    }
}
