//! Why a model did not answer.

use std::time::Duration;

use thiserror::Error;

/// A model call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}: {message}")]
pub struct LmError {
    /// What failed.
    pub kind: LmErrorKind,
    /// The provider's or the transport's words.
    pub message: String,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

/// The families of failures that callers tell apart, named after DSPy's exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum LmErrorKind {
    /// The provider was not reached.
    #[error("transport")]
    Transport,
    /// The deadline passed.
    #[error("timeout")]
    Timeout,
    /// Too many requests.
    #[error("rate limit")]
    RateLimit,
    /// The provider failed (5xx).
    #[error("server")]
    Server,
    /// The credentials are wrong.
    #[error("authentication")]
    Auth,
    /// The account has no credit.
    #[error("billing")]
    Billing,
    /// The request is wrong.
    #[error("invalid request")]
    InvalidRequest,
    /// The prompt is longer than the model's context.
    #[error("context window exceeded")]
    ContextWindowExceeded,
    /// The model or the setting does not exist.
    #[error("unsupported")]
    Unsupported,
    /// The client is set up wrongly.
    #[error("configuration")]
    Configuration,
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
    /// A budget is spent.
    #[error("budget exhausted")]
    Budget,
}

impl LmError {
    /// A failure without a hint when to retry.
    #[must_use]
    pub fn new(kind: LmErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use LmErrorKind::{RateLimit, Server, Timeout, Transport};
        matches!(self.kind, Transport | Timeout | RateLimit | Server)
    }
}
