//! Path parameters.

use axum::extract::{self, FromRequestParts, rejection::PathRejection};
use http::request::Parts;
use serde::{Deserialize, de::DeserializeOwned};

use crate::problem::Problem;

/// The parameters of the path as a `T`: an id, or a tuple of them. What is no id names nothing, so it is a 404 like any
/// other id that names nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) if error.status().is_client_error() => {
                Err(Problem::not_found())
            }
            Err(rejection) => Err(Problem::internal(format!("the path does not fit its handler: {rejection}"))),
        }
    }
}
