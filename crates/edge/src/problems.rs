//! Writes the bodies of problems, ours and those that axum and others leave as plain text.

use axum::response::Response;
use http::header;

use crate::{problem::Problem, trace::Trace};

/// `response`, or the problem that it stands for, written out for the request of `trace`.
pub(crate) fn write_out(mut response: Response, trace: &Trace) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let ours = response.extensions_mut().remove::<Problem>();
    let problem = match ours {
        Some(problem) => problem,
        None if is_json(&response) => return response,
        None => Problem::of_status(status),
    };
    problem.log();
    let mut rendered = problem.render(&trace.correlation_id);
    // What the answer was given besides its body stays: `Allow` of a 405, for one.
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    rendered
}

/// True where an error already speaks to programs: `/v1/chat/completions` has OpenAI's envelope.
fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
