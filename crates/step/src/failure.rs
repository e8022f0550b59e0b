//! Why a step gave no output.

use serde::{Deserialize, Serialize};

/// What kind of failure it is, as far as the caller is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The input cannot be worked with; the same input will fail again.
    Invalid,
    /// A missing grant or a refused credential; it will fail again until somebody changes that.
    Forbidden,
    /// Something that the step needs was not there; trying again may help.
    Unavailable,
    /// The deadline passed; whether there was an effect is unknown.
    Timeout,
    /// A defect of the step.
    Internal,
}

/// Why a step gave no output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// A stable name in snake_case for programs to act on.
    pub code: String,
    /// A sentence for people, without secrets.
    pub message: String,
    /// True where trying again makes sense.
    pub retryable: bool,
    /// How long to wait before the next try, in milliseconds, where the step knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// The same input will fail again.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::of_kind(FailureKind::Invalid, code, message)
    }

    /// It will fail again until somebody changes what the step may do.
    pub fn forbidden(code: &str, message: impl Into<String>) -> Self {
        Self::of_kind(FailureKind::Forbidden, code, message)
    }

    /// Trying again may help.
    pub fn unavailable(code: &str, message: impl Into<String>) -> Self {
        Self::of_kind(FailureKind::Unavailable, code, message)
    }

    /// A defect of the step.
    pub fn internal(code: &str, message: impl Into<String>) -> Self {
        Self::of_kind(FailureKind::Internal, code, message)
    }

    fn of_kind(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        let retryable = matches!(kind, FailureKind::Unavailable | FailureKind::Timeout);
        Self { kind, code: code.to_owned(), message: message.into(), retryable, retry_after_ms: None }
    }
}
