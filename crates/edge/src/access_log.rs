//! The outermost step: names the request, opens its span, and says in one line what became of it.

use std::time::Instant;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use host::{
    Random,
    chaining::{self, X_REQUEST_ID},
};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use tracing::{Level, Span, field::Empty};

use crate::trace::Trace;

/// The longest path that is logged, in bytes; the rest tells nobody anything.
const MAX_PATH_BYTES: usize = 200;

/// A request on its way through the stack.
pub(crate) struct Arrival {
    started: Instant,
    trace: Trace,
    span: Span,
    method: Method,
    uri: Uri,
}

impl Arrival {
    /// Names `request`, for its handler too. What only components may say is believed of components alone.
    pub(crate) fn of(request: &mut Request, random: &dyn Random) -> Self {
        if !chaining::is_chained(request.headers()) {
            chaining::strip(request.headers_mut());
        }
        let trace = Trace::read(request.headers(), random);
        let span = tracing::info_span!(
            "request",
            correlation_id = trace.correlation_id.as_str(),
            trace_id = trace.traceparent.trace_id(),
            user_id = Empty
        );
        request.extensions_mut().insert(trace.clone());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Self { started: Instant::now(), trace, span, method, uri }
    }

    /// How the request is recognised.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The span that its work belongs to; the guard adds who sends it.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Gives the response its name and its length, and writes the line.
    pub(crate) fn finish(self, response: &mut Response, quiet: bool) {
        if let Ok(name) = HeaderValue::from_str(self.trace.correlation_id.as_str()) {
            response.headers_mut().insert(X_REQUEST_ID, name);
        }
        frame(&self.method, response);
        write(&self.span, quiet, &self.method, self.uri.path(), response.status(), self.started);
    }
}

/// Says how long the body is, where that is known. Without it Spin would send the body in chunks, and every request on a
/// connection that is kept alive would wait for Nagle's algorithm (`docs/spin.md#nagle`).
fn frame(method: &Method, response: &mut Response) {
    let status = response.status();
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) || status.is_informational() {
        // These have no content, and 204 must not even speak of its length (RFC 9110, section 8.6).
        response.headers_mut().remove(header::CONTENT_LENGTH);
        return;
    }
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
        return;
    }
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// The line: the path without its query, because a query may hold anything.
fn write(span: &Span, quiet: bool, method: &Method, path: &str, status: StatusCode, started: Instant) {
    let path = &path[..path.floor_char_boundary(MAX_PATH_BYTES)];
    let method = method.as_str();
    let status = status.as_u16();
    // Milliseconds, to the microsecond.
    let execution_time = started.elapsed().as_micros() as f64 / 1000.0;
    if quiet {
        tracing::event!(parent: span, Level::DEBUG, method, path, status, execution_time, "request");
    } else {
        tracing::event!(parent: span, Level::INFO, method, path, status, execution_time, "request");
    }
}
