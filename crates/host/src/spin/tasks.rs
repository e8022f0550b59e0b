//! The tasks of a request, and how they are polled.
//!
//! wit-bindgen 0.57 (`rt/async_support/spawn.rs`) keeps the futures of a request, its handler and what that spawned, in a
//! `FuturesUnordered`, with consequences that nobody expects:
//!
//! * What is spawned joins after a round of polls and is polled in the next round, which comes with the next event of the
//!   request. Where a future spawns another one and waits for it, that event may be the deadline.
//! * When a round has polled all futures, or one of them has woken another one, the request *yields*: the whole instance goes to
//!   the end of its host's queue, to find nothing to do when its turn comes.
//!
//! So a request has a [`TaskSet`] of its own, which is one future for wit-bindgen: until there is an answer the export itself, and
//! after that one that is spawned. Beside it stands a future that is never polled again until the set is empty, so that no round
//! polls all there is.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn, ready},
    rc::Rc,
    task::{Context, Poll},
};

use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use spin_sdk::wasip3;

use super::system::turn;
use crate::{Tasks, task_set::TaskSet};

thread_local! {
    /// The request of which a task is being polled.
    static CURRENT: RefCell<Option<Rc<TaskSet>>> = const { RefCell::new(None) };
    /// True where the SDK has spawned something that has not been polled yet.
    static SDK_SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the handler of a request. What is spawned while it runs belongs to that request.
pub async fn handle<T: 'static>(handler: impl Future<Output = T> + 'static) -> T {
    let (running, over) = oneshot::channel::<()>();
    wasip3::spawn(over.map(drop));
    // That this one is done ends the round in which `over` is polled for the first time: so that round has not polled all.
    wasip3::spawn(ready(()));
    let (tasks, answer) = (Rc::new(TaskSet::new()), Rc::new(Cell::new(None)));
    let its_answer = Rc::clone(&answer);
    tasks.spawn(Box::pin(async move { its_answer.set(Some(handler.await)) }));
    let (answer, rest) = poll_fn(|context| {
        let rest = poll(&tasks, context);
        answer.take().map_or(Poll::Pending, |answer| Poll::Ready((answer, rest)))
    })
    .await;
    if rest.is_pending() {
        run(tasks, Some(running));
    }
    answer
}

/// Runs `work` beside the handler of the request at hand, and beyond it to its own end
/// (`docs/spin.md#work-after-the-response`).
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    let request = CURRENT.with_borrow(Clone::clone);
    match request {
        Some(tasks) => tasks.spawn(Box::pin(work)),
        // Something is dropped while no task is being polled.
        None => {
            let tasks = Rc::new(TaskSet::new());
            tasks.spawn(Box::pin(work));
            run(tasks, None);
        }
    }
}

/// Lets wit-bindgen poll `tasks` to their end, and drops `running` then.
fn run(tasks: Rc<TaskSet>, running: Option<oneshot::Sender<()>>) {
    wasip3::spawn(async move {
        poll_fn(|context| poll(&tasks, context)).await;
        drop(running);
    });
}

fn poll(tasks: &Rc<TaskSet>, context: &mut Context<'_>) -> Poll<()> {
    let outer = CURRENT.replace(Some(Rc::clone(tasks)));
    let outcome = turn(|| tasks.poll(context));
    CURRENT.set(outer);
    if SDK_SPAWNED.take() && outcome.is_pending() {
        context.waker().wake_by_ref();
    }
    outcome
}

/// To be said before the SDK spawns something, in the same poll.
pub(super) fn will_spawn() {
    SDK_SPAWNED.set(true);
}

/// Tasks of the request at hand that outlive its response.
pub(super) struct SpinTasks;

impl Tasks for SpinTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        spawn(work);
    }
}
