//! Calling a step by its name, over service chaining.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use fault::{Fault, Kind};
use futures::TryStreamExt;
use host::{Clock, Http, HttpError, within};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Answer, Call, Context, Descriptor, Failure};

/// The most that a step may answer, in bytes.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Why a step could not be asked, as opposed to a [`Failure`] that it answered with.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No step has such a name.
    #[error("{name:?} is not the name of a step")]
    Name {
        /// The name asked for.
        name: String,
    },
    /// The deadline is over, before or during the call.
    #[error("the step {name} did not answer in time")]
    Timeout {
        /// Which step.
        name: String,
    },
    /// The step could not be reached.
    #[error("the step {name} cannot be reached")]
    Http {
        /// Which step.
        name: String,
        /// What happened.
        #[source]
        source: HttpError,
    },
    /// It answered with something that is no answer: it is not deployed, it crashed, or it said too much.
    #[error("the step {name} gave no answer, but {found}")]
    NoAnswer {
        /// Which step.
        name: String,
        /// What came instead.
        found: String,
    },
}

impl Fault for CallError {
    fn kind(&self) -> Kind {
        match self {
            Self::Name { .. } => Kind::NotFound,
            Self::Timeout { .. } | Self::Http { .. } | Self::NoAnswer { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "step_not_found",
            Self::Timeout { .. } => "step_timeout",
            Self::Http { .. } | Self::NoAnswer { .. } => "step_unavailable",
        }
    }
}

/// The steps that are deployed beside us.
#[derive(Clone)]
pub struct Steps {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
}

impl Steps {
    /// The steps that `http` reaches.
    pub fn new(http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        Self { http, clock }
    }

    /// Asks the step `name` what it is.
    ///
    /// # Errors
    ///
    /// [`CallError`], where it could not be asked.
    pub async fn describe(&self, name: &str, limit: Duration) -> Result<Descriptor, CallError> {
        let request = request("GET", name, Bytes::new())?;
        self.ask(name, request, limit).await
    }

    /// Runs the step `name` on `input`, until the deadline of `context`.
    ///
    /// The inner result is the step's own: its output, or the failure that it answered with.
    ///
    /// # Errors
    ///
    /// [`CallError`], where it could not be asked. Whether it had an effect is unknown then.
    pub async fn run(
        &self,
        name: &str,
        context: Context,
        input: Box<RawValue>,
    ) -> Result<Result<Box<RawValue>, Failure>, CallError> {
        let now_ms = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
        let limit = Duration::from_millis(context.deadline_ms.saturating_sub(now_ms));
        let body = serde_json::to_vec(&Call { context, input })
            .map_err(|error| CallError::NoAnswer { name: name.to_owned(), found: error.to_string() })?;
        match self.ask(name, request("POST", name, body.into())?, limit).await? {
            Answer::Output(output) => Ok(Ok(output)),
            Answer::Failure(failure) => Ok(Err(failure)),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        request: http::Request<Bytes>,
        limit: Duration,
    ) -> Result<T, CallError> {
        let exchange = within(&*self.clock, limit, self.exchange(name, request, limit));
        let (status, body) = exchange.await.map_err(|_| CallError::Timeout { name: name.to_owned() })??;
        // A step that crashed or does not exist answers with an empty 500 or 404 of the host's
        // (`docs/spin.md#statuses-of-the-host`).
        serde_json::from_slice(&body)
            .map_err(|_| CallError::NoAnswer { name: name.to_owned(), found: format!("status {status}") })
    }

    async fn exchange(
        &self,
        name: &str,
        request: http::Request<Bytes>,
        limit: Duration,
    ) -> Result<(http::StatusCode, Bytes), CallError> {
        let failed = |source| match source {
            HttpError::Timeout { .. } => CallError::Timeout { name: name.to_owned() },
            source => CallError::Http { name: name.to_owned(), source },
        };
        let response = self.http.send(request, limit).await.map_err(failed)?;
        let status = response.status();
        let mut pieces = response.into_body();
        let mut body = BytesMut::new();
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                let found = format!("more than {MAX_ANSWER_BYTES} bytes");
                return Err(CallError::NoAnswer { name: name.to_owned(), found });
            }
            body.extend_from_slice(&piece);
        }
        Ok((status, body.freeze()))
    }
}

/// A request to the step `name`, which becomes part of a host name and is therefore checked.
fn request(method: &str, name: &str, body: Bytes) -> Result<http::Request<Bytes>, CallError> {
    let is_kebab = !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
        && !name.ends_with('-');
    let not_a_name = || CallError::Name { name: name.to_owned() };
    if !is_kebab {
        return Err(not_a_name());
    }
    http::Request::builder()
        .method(method)
        .uri(format!("http://step-{name}.spin.internal/"))
        .header("content-type", "application/json")
        .body(body)
        .map_err(|_| not_a_name())
}

#[cfg(test)]
mod tests;
