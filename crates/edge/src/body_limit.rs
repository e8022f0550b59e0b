//! No request body is larger than the limit; it is counted while it is read, whatever its header says.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
};
use host::content_length;
use http_body_util::{BodyExt, Limited};

use crate::{problem::Problem, refusal::Refusal};

/// The largest request body where a component says nothing else, in bytes.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// Up to this size, in bytes, a body that is too large is read all the same. A client that is sending does not listen: were
/// the connection closed under it, it would see a broken pipe in place of the answer. nginx lingers for the same reason.
const LINGER_LIMIT: u64 = 32 * 1024 * 1024;

/// `request`, of whose body no more than `limit` bytes can be read.
pub(crate) async fn limit(request: Request, limit: usize) -> Result<Request, Problem> {
    if let Some(length) = content_length(request.headers()).filter(|length| *length > limit as u64) {
        if length <= LINGER_LIMIT {
            discard(request.into_body()).await;
        }
        return Err(Problem::refused(Refusal::BodyTooLarge));
    }
    if request.body().is_end_stream() {
        return Ok(request);
    }
    Ok(request.map(|body| Body::new(Limited::new(body, limit))))
}

/// Reads a body to its end, or to where it breaks off, and keeps nothing of it.
async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}
