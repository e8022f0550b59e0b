//! Holds a streamed answer to its deadlines: the first piece, each next one, and the whole.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use host::Clock;
use ids::Timestamp;

use crate::{catalogue::Deadlines, chunk_stream::ChunkStream, error::ModelError, wire::Chunk};

/// A streamed answer with its deadlines.
///
/// There is one timer, which is set again only when it has run out: setting one and dropping it are passages between a component
/// and its host, and so is asking for the time, which happens once for all pieces that are there together.
pub(crate) struct Guarded {
    chunks: ChunkStream,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
    began: Timestamp,
    /// When the last piece came, or the stream was first read, and how long the next may take.
    last: Option<Timestamp>,
    patience: Duration,
    /// The time when somebody last asked for it.
    now: Timestamp,
    /// True where time may have passed since then.
    has_waited: bool,
    timer: Option<BoxFuture<'static, ()>>,
}

impl Guarded {
    /// `chunks` of an answer that was asked for when it `began`.
    pub(crate) fn new(chunks: ChunkStream, clock: Arc<dyn Clock>, deadlines: Deadlines, began: Timestamp) -> Self {
        Self {
            chunks,
            clock,
            deadlines,
            began,
            last: None,
            patience: deadlines.head(),
            now: began,
            has_waited: true,
            timer: None,
        }
    }
}

impl Stream for Guarded {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let end = this.began + this.deadlines.answer();
        if std::mem::take(&mut this.has_waited) {
            this.now = this.clock.now();
            if this.now >= end {
                // The time is over for pieces that are ready, too.
                return Poll::Ready(Some(Err(timeout(this.deadlines.answer()))));
            }
        }
        if let Poll::Ready(item) = this.chunks.poll_next_unpin(context) {
            (this.last, this.patience) = (Some(this.now), this.deadlines.stall());
            return Poll::Ready(item);
        }
        this.has_waited = true;
        loop {
            let until = end.min(*this.last.get_or_insert(this.now) + this.patience);
            let left = until.since(this.now);
            if left.is_zero() {
                let limit = if until == end { this.deadlines.answer() } else { this.patience };
                return Poll::Ready(Some(Err(timeout(limit))));
            }
            let clock = &this.clock;
            let timer = this.timer.get_or_insert_with(|| {
                let clock = clock.clone();
                async move { clock.sleep(left).await }.boxed()
            });
            ready!(timer.poll_unpin(context));
            this.timer = None;
            this.now = this.clock.now();
        }
    }
}

/// The error of a deadline that passed.
pub(crate) fn timeout(limit: Duration) -> ModelError {
    ModelError::Timeout { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{channel::mpsc, executor::block_on};
    use host::fake::SetClock;

    use super::*;

    /// A clock that counts what it is asked.
    #[derive(Default)]
    struct Counting {
        clock: SetClock,
        sleeps: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            self.clock.now()
        }

        async fn sleep(&self, duration: Duration) {
            self.sleeps.fetch_add(1, Ordering::Relaxed);
            self.clock.sleep(duration).await;
        }
    }

    #[test]
    fn a_piece_sets_no_timer() {
        let clock = Arc::new(Counting::default());
        let (model, chunks) = mpsc::unbounded();
        let deadlines = Deadlines { head_ms: 500, stall_ms: 1_000, answer_ms: 60_000 };
        let mut guarded = Guarded::new(ChunkStream::new(chunks), clock.clone(), deadlines, clock.now());
        for _ in 0..200 {
            assert!(guarded.next().now_or_never().is_none());
            clock.clock.advance(Duration::from_millis(20));
            model.unbounded_send(Ok(serde_json::from_str("{}").unwrap())).unwrap();
            assert!(matches!(block_on(guarded.next()), Some(Ok(_))));
        }
        // Four seconds of pieces: the timer ran out, and was set again, a few times.
        assert!(clock.sleeps.load(Ordering::Relaxed) <= 6, "{:?} timers", clock.sleeps);
        assert!(guarded.next().now_or_never().is_none());
        clock.clock.advance(Duration::from_millis(999));
        assert!(guarded.next().now_or_never().is_none(), "a timer that runs out early ends nothing");
        clock.clock.advance(Duration::from_millis(1));
        assert!(matches!(block_on(guarded.next()), Some(Err(ModelError::Timeout { .. }))));
    }
}
