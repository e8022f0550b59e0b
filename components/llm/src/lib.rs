//! The private LLM gateway over HTTP: OpenAI's Chat Completions at `http://llm.spin.internal`.
//!
//! The route is private in `spin.toml`, so that only components reach it; and it alone has the providers' keys among its
//! settings. Errors are in OpenAI's envelope, with the codes of [`ModelError`].

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use edge::{App, Component, Json, Problem, Routes};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use host::{Call, Host, Memory, within};
use llm::{
    ChunkStream, Gateway, ModelError, to_sse,
    wire::{ChatRequest, Chunk},
};

edge::component!(app);

/// A request carries a whole conversation: more than a million tokens fit.
const BODY_LIMIT: usize = 16 << 20;

/// How long settings are believed before they are read again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// How long the head of a streamed answer waits for the first piece, so that an answer that cannot even begin gets the status of
/// its error.
///
/// It does not wait for a provider that keeps silent: that nobody reads an answer any more is noticed while its body is sent, and
/// only then is the provider's connection closed.
const HEAD_WAITS: Duration = Duration::from_millis(100);

/// The routes of this component, on `host`.
fn app(host: Host) -> App {
    let gateways = Gateways { host: host.clone(), current: Memory::new(1) };
    Routes::new()
        .post_repeatable("/v1/chat/completions", complete)
        .get("/v1/models", list_models)
        .without_database()
        .body_limit(BODY_LIMIT)
        .build(&host, Arc::new(gateways))
}

/// The gateway as the settings describe it, made anew from time to time.
struct Gateways {
    host: Host,
    current: Memory<(), Arc<Gateway>>,
}

impl Gateways {
    async fn current(&self) -> Result<Arc<Gateway>, ModelError> {
        let make = async { Gateway::from_settings(&self.host).await.map(Arc::new) };
        self.current.get_or(&*self.host.clock, self.host.now(), &(), FRESH_FOR, make).await
    }
}

async fn complete(
    component: Component,
    State(gateways): State<Arc<Gateways>>,
    Json(request): Json<ChatRequest>,
) -> Response {
    match answer(&gateways, request, &component.call).await {
        Ok(response) => response,
        Err(error) => refuse(error),
    }
}

async fn answer(gateways: &Gateways, request: ChatRequest, call: &Call) -> Result<Response, ModelError> {
    let gateway = gateways.current().await?;
    if !request.wants_stream() {
        return Ok(Json(gateway.complete(request, call).await?).into_response());
    }
    let mut chunks = opened(gateway, request, call.clone());
    // What comes later than that, an error too, is in the stream.
    let first = within(&*gateways.host.clock, HEAD_WAITS, chunks.next()).await.ok().flatten().transpose()?;
    let chunks = stream::iter(first.map(Ok)).chain(chunks);
    let body = Body::from_stream(to_sse(logged(chunks)).map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// The answer of `gateway`, which is asked when the answer is read for the first time.
fn opened(gateway: Arc<Gateway>, request: ChatRequest, call: Call) -> ChunkStream {
    ChunkStream::new(stream::once(async move { gateway.stream(request, &call).await }).try_flatten())
}

async fn list_models(_: Component, State(gateways): State<Arc<Gateways>>) -> Response {
    match gateways.current().await {
        Ok(gateway) => Json(gateway.models()).into_response(),
        Err(error) => refuse(error),
    }
}

/// An error in OpenAI's envelope; the log gets its reason, which the caller does not.
fn refuse(error: ModelError) -> Response {
    let body = Json(error.to_wire());
    let problem = Problem::from(error);
    problem.log();
    (problem.status(), body).into_response()
}

/// `chunks`, whose error goes to the log under the request that it belongs to, which is over by then for the rest of the stack.
fn logged(chunks: impl Stream<Item = Result<Chunk, ModelError>> + Send + 'static) -> ChunkStream {
    let span = tracing::Span::current();
    ChunkStream::new(chunks.inspect(move |item| {
        if let Err(error) = item {
            span.in_scope(|| tracing::warn!(cause = ?error, "an answer broke off"));
        }
    }))
}
