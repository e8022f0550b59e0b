//! Server-sent events (WHATWG HTML, section 9.2).

use std::{
    fmt::{Display, Write as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use host::Clock;
use http::{HeaderName, HeaderValue, header, request::Parts};

use crate::{json::Faults, problem::Problem};

/// How often a stream says that it is alive, whatever else it says.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// A comment and no more: a blank line after it would end an event without data, which some clients hand on as an empty one
/// (openai-go before 3.43).
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n");

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A response that streams `events`, each already [rendered](event), with a comment every 15 s in between.
pub fn stream(clock: Arc<dyn Clock>, events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    // Whoever writes the body may ask again after its end, where most streams would panic.
    let beating = Beating { events: Box::pin(events.fuse()), beat: beat(clock.clone()), clock };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would collect the events instead of passing each on.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(beating)).into_response()
}

/// One event in the form in which it goes over the wire. `name` has no line break; `data` may.
pub fn event(id: impl Display, name: &str, data: &str) -> Bytes {
    let mut text = String::with_capacity(data.len() + name.len() + 40);
    // Writing to a string does not fail.
    let _ = writeln!(text, "id: {id}\nevent: {name}");
    for line in data.split(['\n', '\r']) {
        let _ = writeln!(text, "data: {line}");
    }
    text.push('\n');
    text.into()
}

/// The last event that a client has seen before its stream was cut: the header `Last-Event-ID`. An extractor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEventId(pub Option<u64>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(LAST_EVENT_ID).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            let mut faults = Faults::of_headers();
            faults.at("last-event-id", "is there twice");
            return Err(faults.into_problem());
        }
        // `u64` would also take a plus sign; an id has one spelling only.
        let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let id = digits.and_then(|digits| digits.parse().ok());
        id.map(|id| Self(Some(id))).ok_or_else(|| {
            let mut faults = Faults::of_headers();
            faults.at("last-event-id", "has to be the id of an event of this stream");
            faults.into_problem()
        })
    }
}

/// Events with heartbeats. One timer runs at a time and is not set back by events, so that events cost no host call.
struct Beating {
    events: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    beat: BoxFuture<'static, ()>,
    clock: Arc<dyn Clock>,
}

fn beat(clock: Arc<dyn Clock>) -> BoxFuture<'static, ()> {
    async move { clock.sleep(HEARTBEAT_EVERY).await }.boxed()
}

impl Stream for Beating {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(event) = self.events.as_mut().poll_next(context) {
            return Poll::Ready(event.map(Ok));
        }
        match self.beat.poll_unpin(context) {
            Poll::Ready(()) => {
                self.beat = beat(self.clock.clone());
                Poll::Ready(Some(Ok(HEARTBEAT)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
