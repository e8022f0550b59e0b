//! Responses that keep something until they are sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};

/// `response`, which keeps `held` until all of its body has been taken, or the client has gone: what counts the memory that it
/// takes, for one.
pub fn holding<T: Send + Unpin + 'static>(response: impl IntoResponse, held: T) -> Response {
    response.into_response().map(|body| Body::new(Holding { body, _held: held }))
}

struct Holding<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> http_body::Body for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_is_held_lasts_as_long_as_the_body() {
        let held = Arc::new(());
        let response = holding("text", held.clone());
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(4));
        let (head, body) = response.into_parts();
        drop(head);
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "text");
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
