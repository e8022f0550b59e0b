//! Query parameters, as strict as bodies.

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::{json::Faults, problem::Problem, refusal::Refusal};

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
    let mut track = serde_path_to_error::Track::new();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    let tracked = serde_path_to_error::Deserializer::new(pairs, &mut track);
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
