//! Futures that are polled only after they were woken.
//!
//! A future of a host call that is polled before its time enrols itself once more with the waitable set of its request
//! (wit-bindgen 0.57, `rt/async_support/waitable.rs`), and that is a passage to the host. Whoever waits for several things at
//! once polls all of them for each that happens: of an answer that is streamed, half of all passages were that.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::task::AtomicWaker;

/// `future`, which is polled once, and after that only when it was woken, however often this is polled.
pub(crate) async fn when_woken<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), waiting: AtomicWaker::new() });
    let waker = Waker::from(Arc::clone(&bell));
    poll_fn(|context| {
        bell.waiting.register(context.waker());
        if !bell.has_rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

/// Remembers that it was rung, and tells whoever waits.
struct Bell {
    has_rung: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.waiting.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::{FutureExt, channel::oneshot, future::join};

    use super::*;

    #[test]
    fn a_future_that_nobody_has_woken_is_not_polled_again() {
        let (sender, mut receiver) = oneshot::channel();
        let polls = Cell::new(0);
        let future = poll_fn(|context| {
            polls.set(polls.get() + 1);
            receiver.poll_unpin(context)
        });
        let mut future = pin!(when_woken(future));
        for _ in 0..5 {
            assert!(future.as_mut().now_or_never().is_none());
        }
        assert_eq!(polls.get(), 1);
        sender.send(7).unwrap();
        assert_eq!(future.now_or_never(), Some(Ok(7)));
        assert_eq!(polls.get(), 2);
    }

    #[tokio::test]
    async fn who_waits_is_woken_whoever_it_is_by_then() {
        let (sender, receiver) = oneshot::channel();
        let mut future = Box::pin(when_woken(receiver));
        // The first to wait gives it away to another one.
        assert!(future.as_mut().now_or_never().is_none());
        let (received, ()) = join(future, async { sender.send(7).unwrap() }).await;
        assert_eq!(received, Ok(7));
    }
}
