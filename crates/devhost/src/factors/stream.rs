//! A WIT stream that is fed by a channel.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::Receiver;
use wasmtime::component::{Destination, StreamProducer, StreamResult};
use wasmtime::{Result, StoreContextMut};

/// How many items wait for a reader. Spin has the same number: what is not read blocks its sender after four rows.
pub(super) const CAPACITY: usize = 4;

/// Produces what the channel receives, one item at a time, until its senders are gone.
pub(super) struct Channel<T>(pub(super) Receiver<T>);

impl<D, T: Send + Sync + 'static> StreamProducer<D> for Channel<T> {
    type Item = T;
    type Buffer = Option<T>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, T, Option<T>>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        // A reader that asks for nothing only wants to know whether something could come.
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let received = self.get_mut().0.poll_recv(cx);
        if finish && received.is_pending() {
            return Poll::Ready(Ok(StreamResult::Cancelled));
        }
        Poll::Ready(Ok(match ready!(received) {
            Some(item) => {
                destination.set_buffer(Some(item));
                StreamResult::Completed
            }
            None => StreamResult::Dropped,
        }))
    }
}
