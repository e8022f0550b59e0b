//! No request body is larger than the limit; it is counted while it is read, whatever its header says.

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::header;
use http_body_util::Limited;

use crate::{problem::Problem, refusal::Refusal};

/// The largest request body where a component says nothing else, in bytes.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// The largest request body, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub(crate) usize);

pub(crate) async fn body_limit(State(Limit(limit)): State<Limit>, request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Problem::refused(Refusal::BodyTooLarge).into_response();
    }
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Limited::new(body, limit)))).await
}
