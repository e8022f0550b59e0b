//! A response body that must not pause for too long.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

/// Fails with `connection-read-timeout` when the next frame takes longer than the timeout.
pub(super) struct BetweenBytes {
    /// `None` after a timeout: the connection is closed at once, not when the component drops the body.
    body: Option<WasiBody>,
    timeout: Duration,
    /// Set while a frame is being waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl BetweenBytes {
    pub(super) fn new(body: WasiBody, timeout: Duration) -> Self {
        Self { body: Some(body), timeout, deadline: None }
    }
}

impl Body for BetweenBytes {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            this.deadline = None;
            return Poll::Ready(frame);
        }
        let timeout = this.timeout;
        ready!(this.deadline.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx));
        this.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_fails_instead_of_hanging() {
        let frames = futures::stream::once(async { Ok(Frame::data(Bytes::from_static(b"first"))) });
        let frames = futures::StreamExt::chain(frames, futures::stream::pending());
        let mut body = BetweenBytes::new(StreamBody::new(frames).boxed_unsync(), Duration::from_secs(5));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        assert!(matches!(body.frame().await, Some(Err(Error::ConnectionReadTimeout))));
        assert!(body.frame().await.is_none());
    }
}
