//! What comes in and what goes out, without the step in between.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Serialize;
use step::{Answer, Call, Failure};

/// Reads the body of `POST /`.
pub(crate) fn read_call(body: &[u8]) -> Result<Call, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::invalid("call_is_malformed", error.to_string()))
}

/// The answer that a run of the step becomes.
pub(crate) fn answer(result: Result<String, Failure>) -> Response<Bytes> {
    let answer = match result.map(serde_json::value::RawValue::from_string) {
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
