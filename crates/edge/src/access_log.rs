//! The outermost layer: names the request, opens its span, and says in one line what became of it.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use host::Random;
use http::{HeaderValue, Method, StatusCode, header};
use tracing::{Instrument, Level, Span, field::Empty};

use crate::trace::{Trace, X_REQUEST_ID};

/// The longest path that is logged, in bytes; the rest tells nobody anything.
const MAX_PATH_BYTES: usize = 200;

#[derive(Clone)]
pub(crate) struct AccessLog {
    pub(crate) random: Arc<dyn Random>,
    /// True where the line is of level debug.
    pub(crate) quiet: bool,
}

pub(crate) async fn access_log(State(log): State<AccessLog>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = Trace::read(request.headers(), &*log.random);
    let span = tracing::info_span!(
        "request",
        correlation_id = trace.correlation_id().as_str(),
        trace_id = trace.trace_id(),
        user_id = Empty
    );
    let method = request.method().clone();
    let uri = request.uri().clone();
    let correlation_id = HeaderValue::from_str(trace.correlation_id().as_str());
    request.extensions_mut().insert(trace);

    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(value) = correlation_id {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    frame(&method, &mut response);
    write(&span, log.quiet, &method, uri.path(), response.status(), started);
    response
}

/// Says how long the body is, where that is known. Without it Spin would send the body in chunks, and every request on a
/// connection that is kept alive would wait for Nagle's algorithm (`spin.md` 2.12).
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
