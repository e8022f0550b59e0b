//! Another component of this application: the only way to call one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::{BodyError, ByteStream, Call, Clock, Host, Http, HttpError, chaining, read_whole, within};

/// The longest name that a host name may begin with, in bytes (RFC 1035, section 2.3.4).
const MAX_NAME_BYTES: usize = 63;

/// Why another component gave no answer, or no more of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// No component can have such a name.
    #[error("{component:?} is not the name of a component")]
    Name {
        /// The name asked for.
        component: Arc<str>,
    },
    /// The deadline of the call is over, before or during it.
    #[error("the component {component} did not answer within {limit_ms} ms")]
    Timeout {
        /// Which component.
        component: Arc<str>,
        /// How long it was given, in milliseconds.
        limit_ms: u64,
    },
    /// It could not be reached, or broke the connection before it answered.
    #[error("the component {component} cannot be reached")]
    Unreachable {
        /// Which component.
        component: Arc<str>,
        /// What happened.
        #[source]
        source: HttpError,
    },
    /// Its answer broke off.
    #[error("the answer of the component {component} broke off")]
    BrokeOff {
        /// Which component.
        component: Arc<str>,
        /// How.
        #[source]
        source: HttpError,
    },
    /// It answered with something that is no answer: it is not deployed, it crashed, or it said too much.
    #[error("the component {component} gave no answer, but {found}")]
    NoAnswer {
        /// Which component.
        component: Arc<str>,
        /// What came instead.
        found: String,
    },
}

/// Another component, as `spin.toml` names it. Cloning it is cheap.
///
/// A call to it carries the [`Call`] that it is made on behalf of, ends with that call's deadline, and is never retried.
#[derive(Clone)]
pub struct Peer {
    component: Arc<str>,
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
}

impl Peer {
    /// The component called `component`. That it is deployed, and may be called by this one, is known only by calling it.
    pub fn new(host: &Host, component: &str) -> Self {
        Self { component: component.into(), http: host.http.clone(), clock: host.clock.clone() }
    }

    /// Reads what is at `path`, which begins with a slash.
    pub async fn get(&self, path: &str, call: &Call) -> Result<Reply, PeerError> {
        self.send(Method::GET, path, Bytes::new(), call).await
    }

    /// Sends `body`, which is JSON, to `path`, which begins with a slash.
    pub async fn post(&self, path: &str, body: impl Into<Bytes> + Send, call: &Call) -> Result<Reply, PeerError> {
        self.send(Method::POST, path, body.into(), call).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes, call: &Call) -> Result<Reply, PeerError> {
        let mut request = self.request(method, path, body)?;
        let limit = call.remaining(self.clock.now());
        if limit.is_zero() {
            return Err(timeout(&self.component, limit));
        }
        chaining::write(call, limit, request.headers_mut());
        let sent = self.http.send(request, limit).await;
        let response = sent.map_err(|source| match source {
            HttpError::Timeout { limit_ms } => PeerError::Timeout { component: self.component.clone(), limit_ms },
            source => PeerError::Unreachable { component: self.component.clone(), source },
        })?;
        let (head, body) = response.into_parts();
        Ok(Reply { component: self.component.clone(), clock: self.clock.clone(), call: call.clone(), head, body })
    }

    /// A request to this component, whose name becomes part of a host name and is therefore checked.
    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Bytes>, PeerError> {
        let harmless = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_kebab = self.component.split('-').all(|word| !word.is_empty() && word.bytes().all(harmless));
        let not_a_name = || PeerError::Name { component: self.component.clone() };
        if !is_kebab || self.component.len() > MAX_NAME_BYTES {
            return Err(not_a_name());
        }
        let mut request =
            Request::builder().method(method).uri(format!("http://{}.spin.internal{path}", self.component));
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(body).map_err(|_| not_a_name())
    }
}

/// What another component answers: the status, and a body that is still to come.
pub struct Reply {
    component: Arc<str>,
    clock: Arc<dyn Clock>,
    call: Call,
    head: http::response::Parts,
    body: ByteStream,
}

impl Reply {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The whole body, read as JSON: at most `max_bytes` of it, and not beyond the deadline of the call.
    pub async fn json<T: DeserializeOwned>(self, max_bytes: usize) -> Result<T, PeerError> {
        let Self { component, clock, call, head, body } = self;
        let limit = call.remaining(clock.now());
        let body = match within(&*clock, limit, read_whole(body, max_bytes)).await {
            Ok(body) => body,
            Err(_) => return Err(timeout(&component, limit)),
        };
        let no_answer = |found: String| PeerError::NoAnswer { component: component.clone(), found };
        match body {
            // A component that crashed answers with an empty 500 of the host's (`docs/spin.md#a-trap`).
            Ok(body) => serde_json::from_slice(&body)
                .map_err(|error| no_answer(format!("status {} and no JSON that it should have: {error}", head.status))),
            Err(error @ BodyError::TooLong { .. }) => Err(no_answer(format!("too much of one: {error}"))),
            Err(BodyError::Http(HttpError::Timeout { limit_ms })) => Err(PeerError::Timeout { component, limit_ms }),
            Err(BodyError::Http(source)) => Err(PeerError::BrokeOff { component, source }),
        }
    }

    /// The body as it comes. It is not held to the deadline here, which would cost every stream a timer of its own: the
    /// component at the other end knows how long it has, and ends it.
    pub fn into_stream(self) -> ByteStream {
        self.body
    }
}

fn timeout(component: &Arc<str>, limit: Duration) -> PeerError {
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    PeerError::Timeout { component: component.clone(), limit_ms }
}

#[cfg(test)]
mod tests;
