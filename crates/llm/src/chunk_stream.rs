//! A streamed answer, as a type that makes no trouble once it is over.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Stream, StreamExt, stream::BoxStream};

use crate::{error::ModelError, wire::Chunk};

/// A streamed answer. It ends after its first error, and without an error only if it is complete.
///
/// Once it has ended it may be asked again as often as one likes, and holds nothing any more: what it was read from, the
/// connection to the provider at last, is dropped together with the last piece. Most streams panic when they are asked again,
/// and a panic in a component takes up to fifteen other people's answers with it.
pub struct ChunkStream(Option<BoxStream<'static, Result<Chunk, ModelError>>>);

impl ChunkStream {
    /// The answer that `chunks` are.
    pub fn new(chunks: impl Stream<Item = Result<Chunk, ModelError>> + Send + 'static) -> Self {
        Self(Some(chunks.boxed()))
    }
}

impl Stream for ChunkStream {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(chunks) = &mut self.0 else { return Poll::Ready(None) };
        let item = ready!(chunks.poll_next_unpin(context));
        if !matches!(item, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::{executor::block_on, stream};

    use super::*;

    fn chunk() -> Chunk {
        serde_json::from_str("{}").unwrap()
    }

    /// A stream that panics where it is asked again after its end, and lets go of `held` only when it is dropped.
    fn touchy(items: Vec<Result<Chunk, ModelError>>, held: &Arc<()>) -> ChunkStream {
        let state = (items.into_iter(), held.clone());
        ChunkStream::new(stream::unfold(state, async |(mut items, held)| Some((items.next()?, (items, held)))))
    }

    #[test]
    fn a_stream_may_be_asked_again_after_its_end() {
        let mut chunks = touchy(vec![Ok(chunk())], &Arc::default());
        assert_eq!(block_on(chunks.next()), Some(Ok(chunk())));
        for _ in 0..3 {
            assert_eq!(block_on(chunks.next()), None);
        }
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut chunks = touchy(vec![Err(ModelError::AuthFailed), Ok(chunk())], &Arc::default());
        assert_eq!(block_on(chunks.next()), Some(Err(ModelError::AuthFailed)));
        assert_eq!(block_on(chunks.next()), None);
    }

    #[test]
    fn what_an_answer_was_read_from_is_let_go_with_its_end() {
        for items in [vec![], vec![Err(ModelError::AuthFailed)]] {
            let connection = Arc::new(());
            let mut chunks = touchy(items, &connection);
            assert_eq!(Arc::strong_count(&connection), 2);
            let _last = block_on(chunks.next());
            assert_eq!(Arc::strong_count(&connection), 1);
        }
    }
}
