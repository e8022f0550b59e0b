//! Reads that cost no body when nothing has changed (RFC 9110, section 13).

use std::fmt::Display;

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use crate::{problem::Problem, refusal::Refusal};

/// An answer with an entity tag. A client that has this version already (`If-None-Match`) gets 304 without the body.
pub struct Tagged<R> {
    /// What changes whenever the answer does: a version, a time of change. Printable ASCII without quotes.
    pub version: String,
    /// The answer.
    pub answer: R,
}

impl<R> Tagged<R> {
    /// `answer`, which changes whenever `version` does.
    pub fn new(version: impl Display, answer: R) -> Self {
        Self { version: version.to_string(), answer }
    }
}

impl<R: IntoResponse> IntoResponse for Tagged<R> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The condition of a write: carry it out only on the version that the client has seen. An extractor.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// An error (412) if the client has seen another version than `version`; without a condition all is well.
    pub fn check(&self, version: impl Display) -> Result<(), Problem> {
        match &self.0 {
            Some(tags) if !lists(tags, &format!("\"{version}\""), false) => {
                Err(Problem::refused(Refusal::PreconditionFailed))
            }
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(tags(&parts.headers, &header::IF_MATCH)))
    }
}

/// The tags of the versions that the client of a read has already.
pub(crate) fn known(request: &Request) -> Option<String> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads { tags(request.headers(), &header::IF_NONE_MATCH) } else { None }
}

/// Spares the client a body that is among those it knows.
pub(crate) fn spare(response: &mut Response, known: Option<String>) {
    let Some(known) = known else { return };
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    if response.status() == StatusCode::OK && tag.is_some_and(|tag| lists(&known, tag, true)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
}

/// All tags of a header, which may be there several times.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// True where the list `tags` has `tag`, or is `*`. Ours are strong tags without commas; `weak` says whether a weak one of
/// the client's may match (RFC 9110, section 8.8.3.2).
fn lists(tags: &str, tag: &str, weak: bool) -> bool {
    tags.split(',').map(str::trim).any(|listed| {
        let listed = if weak { listed.strip_prefix("W/").unwrap_or(listed) } else { listed };
        listed == "*" || listed == tag
    })
}
