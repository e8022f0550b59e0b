//! JSON bodies: strict on the way in, complete about what is wrong.

mod faults;
mod syntax;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError};
use serde::{Serialize, de::DeserializeOwned};

use crate::{problem::Problem, refusal::Refusal};

pub(crate) use faults::Faults;

/// A JSON body.
///
/// As an extractor it accepts `application/json` (else 415) in UTF-8 (else 400) of JSON's grammar, each key once (else
/// 400), that is a `T`. Where it is not, the answer is a 422 with a JSON Pointer to the first value of the wrong type and
/// to every field that `T` does not know; fields behind `#[serde(flatten)]` and in untagged enums escape that.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        parse(&text(&parts.headers, body).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let mut response = Response::new(Body::from(body));
                // Room for the headers that the stack adds.
                let mut headers = HeaderMap::with_capacity(12);
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *response.headers_mut() = headers;
                response
            }
            Err(error) => Problem::internal(format!("the answer cannot be written as JSON: {error}")).into_response(),
        }
    }
}

/// The whole body of a request whose headers say that it is JSON.
pub(crate) async fn text(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if is_json(headers) { read(body).await } else { Err(Problem::refused(Refusal::UnsupportedMediaType)) }
}

/// True for `application/json` and `application/...+json`, with whatever parameters: JSON is UTF-8 (RFC 8259, section 8.1),
/// which is checked on the body itself.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// The whole body, which the stack has limited.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_too_large(&error) => Err(Problem::refused(Refusal::BodyTooLarge)),
        Err(_) => Err(Problem::refused(Refusal::IncompleteBody)),
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

/// The `T` that `text` describes.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::because(Refusal::MalformedJson, detail);
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(malformed("The request body is not UTF-8.".to_owned()));
    };
    syntax::check(text).map_err(malformed)?;

    let mut faults = Faults::of_body();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let value = serde_ignored::deserialize(tracked, |path| faults.unknown(&path));
    match value {
        Ok(value) if faults.is_empty() => Ok(value),
        Ok(_) => Err(faults.into_problem()),
        Err(error) => {
            faults.wrong(&track.path(), &error.to_string());
            Err(faults.into_problem())
        }
    }
}
