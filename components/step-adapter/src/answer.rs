//! What comes in and what goes out, without the step in between.

use bytes::Bytes;
use host::chaining;
use http::{HeaderMap, Response, StatusCode, header};
use ids::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use step::{Answer, Context, Failure, Invocation};

/// Reads what a `POST /` that arrived at `now` asks for: the execution, and its input.
pub(crate) fn read(headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(Context, Box<RawValue>), Failure> {
    let malformed = |reason: String| Failure::invalid("call_is_malformed", reason);
    let call = chaining::read(headers, now).map_err(|error| malformed(error.to_string()))?;
    let Invocation { execution, input } = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    Ok((Context::new(execution, &call), input))
}

/// The answer that a run of the step becomes.
pub(crate) fn answer(result: Result<String, Failure>) -> Response<Bytes> {
    let answer = match result.map(RawValue::from_string) {
        Ok(Ok(output)) => Answer::Output(output),
        Ok(Err(error)) => Answer::Failure(Failure::internal("output_is_not_json", error.to_string())),
        Err(failure) => Answer::Failure(failure),
    };
    json(answer.status(), &answer)
}

/// `body` as JSON. Its length is set, because Spin would send it in chunks otherwise (`docs/spin.md#nagle`).
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = Bytes::from(serde_json::to_vec(body).unwrap_or_default());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let length = response.body().len();
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}
