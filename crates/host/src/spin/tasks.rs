//! The futures of a request, and how they are polled.
//!
//! wit-bindgen 0.57 (`rt/async_support/spawn.rs`) keeps the futures of a request, its handler and what that spawned, in a
//! `FuturesUnordered`, and that has two consequences which nobody expects:
//!
//! * What is spawned joins the set after a round of polls and is polled in the next round, which comes with the next event of
//!   the request. Where a future spawns another one and waits for it, that event may be the deadline. So a future that has
//!   spawned something wakes itself: see [`part`].
//! * A set wakes itself when a round polled all of its futures, and the request then *yields*: the whole instance goes to the
//!   end of its host's queue, to find nothing to do when its turn comes. A set with one future, which is what nearly every
//!   request has, yields for every single event. So every set gets a future that is never polled again: see [`handle`].

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn, ready},
    pin::pin,
    rc::Rc,
};

use futures::{
    channel::oneshot,
    future::{BoxFuture, FutureExt},
};
use spin_sdk::wasip3;

use crate::Tasks;

thread_local! {
    /// The request of which a future is being polled.
    static CURRENT: RefCell<Option<Request>> = const { RefCell::new(None) };
    /// True where something was spawned that has not been polled yet.
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// Held by every future of a request; when the last of them lets go, the one that is never polled again may end.
type Request = Rc<oneshot::Sender<()>>;

/// Runs the handler of a request. What is spawned while it runs belongs to that request.
pub async fn handle<T>(handler: impl Future<Output = T>) -> T {
    let (request, over) = oneshot::channel();
    wasip3::spawn(over.map(drop));
    // That this one is done ends the round in which `over` is polled for the first time: so that round has not polled all.
    wasip3::spawn(ready(()));
    part(Some(Rc::new(request)), handler).await
}

/// Runs `work` beside the handler of the request at hand, and beyond it to its own end
/// (`docs/spin.md#work-after-the-response`).
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    wasip3::spawn(part(CURRENT.with_borrow(Clone::clone), work));
    will_spawn();
}

/// To be said before the SDK spawns something, in the same poll.
pub(super) fn will_spawn() {
    SPAWNED.set(true);
}

/// One of the futures of `request`.
async fn part<T>(request: Option<Request>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let outer = CURRENT.replace(request.clone());
        let outcome = work.as_mut().poll(context);
        CURRENT.set(outer);
        if SPAWNED.take() && outcome.is_pending() {
            context.waker().wake_by_ref();
        }
        outcome
    })
    .await
}

/// Tasks of the request at hand that outlive its response.
pub(super) struct SpinTasks;

impl Tasks for SpinTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        spawn(work);
    }
}
