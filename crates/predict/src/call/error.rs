//! Why a module gave no prediction.
//!
//! The variants follow the stages of a call, because the stage decides what a caller can do: an input that cannot be
//! formatted will never be, a rate limit passes, an unreadable completion may turn out well when sampled again.
//! [`CallError::retry`] says so in one word.

use std::time::Duration;

use thiserror::Error;

use crate::adapter::{FormatError, ParseError};
use crate::lm::{LmError, LmErrorKind};

/// A call of a module that failed. `predictor` is the name in the program of the predictor that failed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The module and its inputs do not go together.
    #[error("`{predictor}` cannot be called: {reason}")]
    Invalid {
        /// The predictor or module.
        predictor: String,
        /// What does not fit.
        reason: String,
    },
    /// An input or a demo cannot be written into the prompt.
    #[error("the prompt of `{predictor}` cannot be written")]
    Format {
        /// The predictor.
        predictor: String,
        /// The field and the reason.
        source: FormatError,
    },
    /// The model did not answer.
    #[error("the model did not answer `{predictor}`")]
    Lm {
        /// The predictor.
        predictor: String,
        /// What the model's port said.
        source: LmError,
    },
    /// The completion does not hold the outputs.
    #[error("the completion for `{predictor}` cannot be read")]
    Parse {
        /// The predictor.
        predictor: String,
        /// What is wrong with which completion.
        source: Box<ParseError>,
    },
    /// The outputs were read, but a [`Check`](super::Check) refused them as often as its budget allowed.
    #[error("the outputs of `{predictor}` were refused {attempts} times, last because: {reason}")]
    Refused {
        /// The predictor.
        predictor: String,
        /// How many completions were refused.
        attempts: u32,
        /// Why the last one was.
        reason: String,
    },
    /// None of several attempts succeeded.
    #[error("none of {attempts} attempts succeeded")]
    NoAttemptSucceeded {
        /// How many there were.
        attempts: usize,
        /// How the last one failed.
        #[source]
        last: Box<CallError>,
    },
    /// The caller gave up.
    #[error("the call was cancelled")]
    Cancelled,
}

/// The part of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the model was asked.
    Inputs,
    /// While the model was asked.
    Model,
    /// After it had answered.
    Completion,
    /// Whenever the caller gave up.
    Cancelled,
}

/// Whether calling again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// The same call fails again.
    Never,
    /// The same call may succeed later: after so long where the provider said so, else after a back-off.
    Later(Option<Duration>),
    /// The same call may succeed with another sample: another rollout id, a temperature above zero, or no cache.
    Resample,
}

impl CallError {
    /// The stage that failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Invalid { .. } | Self::Format { .. } => Stage::Inputs,
            Self::Lm { source, .. } if source.kind == LmErrorKind::Cancelled => Stage::Cancelled,
            Self::Lm { .. } => Stage::Model,
            Self::Parse { .. } | Self::Refused { .. } => Stage::Completion,
            Self::NoAttemptSucceeded { last, .. } => last.stage(),
            Self::Cancelled => Stage::Cancelled,
        }
    }

    /// Whether calling again makes sense.
    #[must_use]
    pub fn retry(&self) -> RetryAdvice {
        match self {
            Self::Invalid { .. } | Self::Format { .. } | Self::Cancelled => RetryAdvice::Never,
            Self::Lm { source, .. } if source.is_retryable() => RetryAdvice::Later(source.retry_after),
            Self::Lm { .. } => RetryAdvice::Never,
            Self::Parse { .. } | Self::Refused { .. } => RetryAdvice::Resample,
            Self::NoAttemptSucceeded { last, .. } => last.retry(),
        }
    }

    /// Whether nobody may go on after this: the caller gave up, or a budget is spent. Modules that survive the failure of
    /// an attempt pass these on at once.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Cancelled => true,
            Self::Lm { source, .. } => matches!(source.kind, LmErrorKind::Cancelled | LmErrorKind::Budget),
            Self::NoAttemptSucceeded { last, .. } => last.is_final(),
            _ => false,
        }
    }

    /// The completion that could not be used, if that is what failed.
    #[must_use]
    pub fn completion(&self) -> Option<&str> {
        match self {
            Self::Parse { source, .. } => Some(&source.completion),
            Self::NoAttemptSucceeded { last, .. } => last.completion(),
            _ => None,
        }
    }

    /// Whether the prompt was longer than the model's context.
    #[must_use]
    pub fn is_context_window(&self) -> bool {
        matches!(self, Self::Lm { source, .. } if source.kind == LmErrorKind::ContextWindowExceeded)
    }
}
