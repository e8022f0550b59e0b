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

    /// `answer`, which also changes with `state`: with what nobody changes by a write to it, such as how much it holds. A read is
    /// fresh as long as both are the same; a write ([`IfMatch`]) goes by the version alone.
    pub fn with_state(version: impl Display, state: impl Display, answer: R) -> Self {
        Self { version: format!("{version}.{state}"), answer }
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

/// The condition of a write: carry it out only on the version that the client has seen. An extractor; a condition that cannot be
/// read is a 400 and never none, because a write that its sender made depend on something must not be carried out regardless.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// An error (412) if the client has seen another version than `version`, whatever the state was; without a condition all is
    /// well. A weak tag never matches (RFC 9110, section 13.1.1).
    pub fn check(&self, version: impl Display) -> Result<(), Problem> {
        match &self.0 {
            Some(tags) if !tags.name(&version.to_string()) => Err(Problem::refused(Refusal::PreconditionFailed)),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let unreadable = || Problem::because(Refusal::BadRequest, "`If-Match` is not a list of entity tags, or `*`.");
        Ok(Self(Tags::of(&parts.headers, &header::IF_MATCH).map_err(|Unreadable| unreadable())?))
    }
}

/// The tags of the versions that the client of a read has already. A list that cannot be read names none, so that the client
/// gets the answer.
pub(crate) fn known(request: &Request) -> Option<Tags> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads { Tags::of(request.headers(), &header::IF_NONE_MATCH).unwrap_or_default() } else { None }
}

/// Leaves out a body that is among those that the client knows.
pub(crate) fn omit_unchanged(response: &mut Response, known: Option<Tags>) {
    let Some(known) = known else { return };
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    if response.status() == StatusCode::OK && tag.is_some_and(|tag| known.has(tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
}

/// A header that should be entity tags is none.
struct Unreadable;

/// Entity tags as a client lists them.
#[derive(Clone, Debug)]
pub(crate) enum Tags {
    /// `*`: whatever there is.
    Any,
    /// These, in quotes as they were sent, weak ones with `W/`.
    Listed(Vec<String>),
}

impl Tags {
    /// All tags of a header, which may be there several times; none where it is not there.
    fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Unreadable> {
        let values: Result<Vec<&str>, _> = headers.get_all(name).iter().map(|value| value.to_str()).collect();
        match values.map_err(|_| Unreadable)?.join(",") {
            none if none.is_empty() && !headers.contains_key(name) => Ok(None),
            list => Self::parse(&list).map(Some).ok_or(Unreadable),
        }
    }

    /// Reads `*` or a list of tags (RFC 9110, sections 5.6.1 and 8.8.3); a comma may stand in a tag.
    fn parse(list: &str) -> Option<Self> {
        if list.trim() == "*" {
            return Some(Self::Any);
        }
        let mut listed = Vec::new();
        let mut rest = list;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return (!listed.is_empty()).then_some(Self::Listed(listed));
            }
            let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
            let (tag, after) = opened.split_once('"')?;
            let is_followed_well = after.is_empty() || after.starts_with([' ', '\t', ',']);
            if !tag.bytes().all(|byte| byte.is_ascii_graphic()) || !is_followed_well {
                return None;
            }
            listed.push(rest[..rest.len() - after.len()].to_owned());
            rest = after;
        }
    }

    /// True where one is `tag`, weak or not (the weak comparison of RFC 9110, section 8.8.3.2).
    fn has(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(listed) => listed.iter().any(|listed| listed.strip_prefix("W/").unwrap_or(listed) == tag),
        }
    }

    /// True where one is a strong tag of this version, in whatever state.
    fn name(&self, version: &str) -> bool {
        let is_of_it = |tag: &str| tag == version || tag.split_once('.').is_some_and(|(named, _)| named == version);
        match self {
            Self::Any => true,
            Self::Listed(listed) => listed.iter().any(|tag| !tag.starts_with("W/") && is_of_it(tag.trim_matches('"'))),
        }
    }
}
