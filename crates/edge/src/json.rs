//! JSON bodies: strict on the way in, complete about what is wrong.

mod faults;
mod reader;
mod tree;
mod wrong;

use std::cell::RefCell;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};

use crate::{body_limit::BodyError, problem::Problem, refusal::Refusal};

pub(crate) use faults::Faults;
pub(crate) use tree::Tree;

/// A JSON body.
///
/// As an extractor it accepts `application/json` (else 415), not compressed (else 415), in UTF-8 (else 400) of JSON's grammar,
/// each key once (else 400), that is a `T`. Where it is not, the answer is a 422 with a JSON Pointer to the first value of the
/// wrong type and to every field that `T` does not know; fields behind `#[serde(flatten)]` and in untagged enums escape that.
/// A struct is an object: an array with its values in the right order is none.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        parse(&text(&parts.headers, body).await?).map(Self)
    }
}

/// A body that may be left out: without a `Content-Type` there is none.
impl<T: DeserializeOwned, S: Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        match request.headers().contains_key(header::CONTENT_TYPE) {
            true => <Self as FromRequest<S>>::from_request(request, state).await.map(Some),
            false => Ok(None),
        }
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

/// The whole body of a request whose headers say that it is JSON, once, and not compressed.
pub(crate) async fn text(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    check_media_type(headers)?;
    check_content_coding(headers)?;
    read(body).await
}

/// An error unless the body is said to be JSON, once.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut said = headers.get_all(header::CONTENT_TYPE).iter();
    match (said.next(), said.next()) {
        (Some(_), Some(_)) => {
            Err(Problem::because(Refusal::BadRequest, "There is more than one `Content-Type`; a body has one."))
        }
        (Some(value), None) if is_json(value) => Ok(()),
        _ => Err(Problem::refused(Refusal::UnsupportedMediaType)),
    }
}

/// An error where the body is compressed (RFC 9110, section 8.4): nothing here unpacks what may be a bomb.
fn check_content_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let named = headers.get_all(header::CONTENT_ENCODING).iter();
    let codings = named.flat_map(|value| value.to_str().unwrap_or("?").split(',')).map(str::trim);
    let mut foreign = codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    let Some(coding) = foreign.next() else { return Ok(()) };
    // Names of codings are tokens; whatever else stands there is not repeated.
    let is_token = coding.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    let named = if is_token && coding.len() <= 20 { coding } else { "another coding" };
    let detail = format!("The request body is coded ({named}); send it as it is, without `Content-Encoding`.");
    Err(Problem::because(Refusal::UnsupportedContentCoding, detail))
}

/// True for `application/json` and `application/...+json`, with whatever parameters: JSON is UTF-8 (RFC 8259, section 8.1),
/// which is checked on the body itself.
fn is_json(content_type: &HeaderValue) -> bool {
    let content_type = content_type.to_str().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// The whole body, which the stack has limited in size and time.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(Problem::refused(match refusal(&error) {
            Some(BodyError::TooLarge) => Refusal::BodyTooLarge,
            Some(BodyError::TimedOut) => Refusal::RequestTimeout,
            None => Refusal::IncompleteBody,
        })),
    }
}

/// Why the stack refused to read on, if it did.
fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<BodyError> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref().copied())
}

/// The `T` that `text` describes.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::because(Refusal::MalformedJson, detail);
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(malformed("The request body is not UTF-8.".to_owned()));
    };
    decode(&Tree::parse(text).map_err(malformed)?, Faults::of_body())
}

/// The `T` that `tree` is, where it is one and there are no `faults` yet.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree<'_>, faults: Faults) -> Result<T, Problem> {
    let faults = RefCell::new(faults);
    let value = T::deserialize(reader::Reader::new(tree, &faults));
    let mut faults = faults.into_inner();
    match value {
        Ok(value) if faults.is_empty() => return Ok(value),
        Ok(_) => {}
        Err(wrong) => faults.wrong(wrong),
    }
    Err(faults.into_problem())
}

#[cfg(test)]
mod tests;
