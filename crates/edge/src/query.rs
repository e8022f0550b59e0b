//! Query parameters, as strict as bodies.

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::{
    json::{Faults, Tree, decode},
    problem::Problem,
    refusal::Refusal,
};

/// The query as a `T`; a parameter that is wrong, there twice or unknown is a 422 that points to it: `?limit`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // The parser would replace what is not UTF-8, and a replaced value may mean something.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(Problem::because(Refusal::BadRequest, "The query is not UTF-8."));
    }
    let mut faults = Faults::of_query();
    let mut parameters: Vec<(_, Tree<'_>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if parameters.iter().any(|(known, _)| *known == name) {
            faults.at(&name, "is there twice");
        } else {
            parameters.push((name, Tree::Spelled(value)));
        }
    }
    decode(&Tree::Object(parameters), faults)
}
