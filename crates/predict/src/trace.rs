//! What happened in a run, as values: the steps of its predictors, the requests that were made, and what they cost.

use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;

use crate::call::CallError;
use crate::lm::{LmError, LmRequest, LmResponse, Usage};
use crate::prediction::Prediction;
use crate::signature::Signature;
use crate::value::Map;

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What the program predicted, or why it could not.
    pub outcome: Result<Prediction, CallError>,
    /// The steps of its predictors, in order. Where a module made several attempts, those of the best one.
    pub trace: Vec<Step>,
    /// What the requests cost, by model; answers from the cache cost nothing.
    pub usage: IndexMap<String, Usage>,
    /// Every request that was made, of all attempts.
    pub history: Vec<Exchange>,
    /// What was odd about the calls but did not stop them.
    pub warnings: Vec<Warning>,
}

/// One call of a predictor.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The predictor's name in the program.
    pub predictor: String,
    /// The signature it had.
    pub signature: Signature,
    /// What it was given, defaults included.
    pub inputs: Map,
    /// What it predicted, or why it could not; [`CallError::completion`] is the text that could not be read.
    pub outcome: Result<Prediction, CallError>,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The predictor that asked.
    pub predictor: String,
    /// The adapter that wrote the prompt.
    pub adapter: &'static str,
    /// The model that was asked.
    pub model: String,
    /// The request.
    pub request: LmRequest,
    /// The answer.
    pub response: Result<LmResponse, LmError>,
    /// Whether the answer came from the cache.
    pub cached: bool,
}

/// Something odd about a call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// An input of the signature was not given; the prompt leaves it out.
    MissingInput {
        /// The predictor.
        predictor: String,
        /// The input.
        field: String,
    },
    /// Something was given that is no input of the signature; the prompt does not show it.
    UnknownInput {
        /// The predictor.
        predictor: String,
        /// What was given.
        field: String,
    },
    /// An agent's loop ended early, for this reason.
    LoopEnded {
        /// Why.
        reason: String,
    },
    /// An attempt failed and was passed over.
    AttemptFailed {
        /// How.
        error: CallError,
    },
}

/// The steps of a run, or of an attempt within one.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<Vec<Step>>);

impl Trace {
    pub(crate) fn push(&self, step: Step) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    pub(crate) fn extend(&self, steps: Vec<Step>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(steps);
    }

    pub(crate) fn take(&self) -> Vec<Step> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn snapshot(&self) -> Vec<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The requests of a run and what they cost.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    history: Vec<Exchange>,
    usage: IndexMap<String, Usage>,
    warnings: Vec<Warning>,
}

impl Ledger {
    pub(crate) fn record(&self, exchange: Exchange) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Ok(response), false) = (&exchange.response, exchange.cached) {
            *entries.usage.entry(exchange.model.clone()).or_default() += response.usage;
        }
        entries.history.push(exchange);
    }

    pub(crate) fn warn(&self, warning: Warning) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).warnings.push(warning);
    }

    pub(crate) fn take(&self) -> (Vec<Exchange>, IndexMap<String, Usage>, Vec<Warning>) {
        let entries = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (entries.history, entries.usage, entries.warnings)
    }
}
