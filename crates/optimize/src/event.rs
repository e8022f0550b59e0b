//! What a run tells while it goes on.

use serde::Serialize;

use crate::budget::{Limit, Spend};

/// One step of progress. Events describe the run; nothing depends on somebody listening.
///
/// A resumed run tells everything again, with `replayed` calls where it did not pay.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// An optimizer or an evaluation begins.
    Started {
        /// Its name.
        task: String,
    },
    /// The next part of an optimizer begins.
    Phase {
        /// What it does, such as `bootstrap` or `propose`.
        name: String,
    },
    /// A model answered.
    Called {
        /// For which part of the run.
        scope: String,
        /// Which model.
        model: String,
        /// Whether the answer came from the journal.
        replayed: bool,
        /// The run's spending after the call.
        spend: Spend,
    },
    /// A program ran on one example and was scored.
    Scored {
        /// For which part of the run.
        scope: String,
        /// The grade; the failure score when the program or the metric failed.
        score: f64,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// A candidate is complete.
    Candidate {
        /// Its position among the candidates.
        index: usize,
        /// Where it comes from.
        origin: String,
        /// Its score as a percentage; `None` when it was not judged.
        score: Option<f64>,
        /// Whether it is the best so far.
        best: bool,
    },
    /// Something went wrong that the run could do without.
    Warning {
        /// What.
        message: String,
    },
    /// A limit ended the search early; the best candidate so far is the result.
    OutOfBudget {
        /// Which limit.
        limit: Limit,
    },
    /// The run is over.
    Finished {
        /// What it spent.
        spend: Spend,
    },
}
