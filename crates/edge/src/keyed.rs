//! POSTs that may be sent twice: bodies with the key under which they were sent.

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, request::Parts};
use idempotency::{Attempt, Key, MalformedKey};
use serde::de::DeserializeOwned;

use crate::{
    guard::Guard,
    json::{self, Faults},
    problem::Problem,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A JSON body, as [`Json`](crate::Json) reads one, and the `Idempotency-Key` that it was sent with. The last argument of every
/// handler that is added with [`Routes::post`](crate::Routes::post).
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    /// The request under its key; none where the client sent no key. For the capability that does the work: it stores this with
    /// what it creates.
    pub attempt: Option<Attempt>,
    /// The body.
    pub body: T,
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let key = key(&parts)?;
        let text = json::text(&parts.headers, body).await?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let attempt = key.map(|key| Attempt::new(&key, parts.method.as_str(), path, &text));
        Ok(Self { attempt, body: json::parse(&text)? })
    }
}

fn key(parts: &Parts) -> Result<Option<Key>, Problem> {
    let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |detail| {
        let mut faults = Faults::of_headers();
        faults.at("idempotency-key", detail);
        faults.into_problem()
    };
    if values.next().is_some() {
        return Err(wrong("has to be there once"));
    }
    Key::parse(value.as_bytes()).map(Some).map_err(|MalformedKey| wrong(MalformedKey::DETAIL))
}

/// `response` as one to a request that had been carried out before: with `Idempotency-Replayed: true`.
pub fn replayed(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The arguments of a handler, the last of which is [`Keyed`]. Implemented for what axum makes of handler functions.
#[diagnostic::on_unimplemented(
    message = "this handler of a POST does not take the request's Idempotency-Key",
    note = "end the handler's arguments with `Keyed<...>` and store its `attempt` with what the request creates, or add the route \
            with `post_repeatable` if doing it twice is doing it once"
)]
pub trait TakesKey {}

/// Implements [`TakesKey`] for handlers of so many arguments; axum puts a marker in front of them.
macro_rules! takes_key {
    ($($argument:ident)*) => {
        impl<Marker, First: Guard, $($argument,)* Body> TakesKey for (Marker, First, $($argument,)* Keyed<Body>) {}
    };
}

takes_key!();
takes_key!(A);
takes_key!(A B);
takes_key!(A B C);
takes_key!(A B C D);
takes_key!(A B C D E);
