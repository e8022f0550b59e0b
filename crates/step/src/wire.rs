//! A step over HTTP, as `step-adapter` serves it: `GET /` describes it, `POST /` runs it.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Execution, Failure, FailureKind};

/// The body of `POST /`. On whose behalf it is, and until when, is in the headers of the chained call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// Where the run stands.
    pub execution: Execution,
    /// What the step is to work on.
    pub input: Box<RawValue>,
}

/// The body of every answer to `POST /`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The step gave this.
    Output(Box<RawValue>),
    /// The step failed.
    Failure(Failure),
}

impl Answer {
    /// The status that goes with the answer, for people who look at the wire; programs read the body.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Output(_) => StatusCode::OK,
            Self::Failure(failure) => match failure.kind {
                FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                FailureKind::Forbidden => StatusCode::FORBIDDEN,
                FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
                FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}
