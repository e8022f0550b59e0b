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
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{BoxFuture, LocalBoxFuture},
};
use spin_sdk::wasip3;

use super::system::{instant, turn};
use crate::{Tasks, task_set::TaskSet, timers::Timers, woken::when_woken};

/// The tasks of a request, and who of them waits for time to pass.
struct Request {
    tasks: TaskSet,
    timers: Rc<Timers>,
    alarm: RefCell<Option<Alarm>>,
}

/// The timer of the host that is set for a request.
struct Alarm {
    at: Instant,
    ringing: LocalBoxFuture<'static, ()>,
}

thread_local! {
    /// The request of which a task is being polled.
    static CURRENT: RefCell<Option<Rc<Request>>> = const { RefCell::new(None) };
    /// True where the SDK has spawned something that has not been polled yet.
    static SDK_SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the handler of a request. What is spawned while it runs belongs to that request.
pub async fn handle<T: 'static>(handler: impl Future<Output = T> + 'static) -> T {
    let (running, over) = oneshot::channel::<()>();
    wasip3::spawn(over.map(drop));
    // That this one is done ends the round in which `over` is polled for the first time: so that round has not polled all.
    wasip3::spawn(ready(()));
    let (request, answer) = (Rc::new(Request::new()), Rc::new(Cell::new(None)));
    let its_answer = Rc::clone(&answer);
    request.tasks.spawn(Box::pin(async move { its_answer.set(Some(handler.await)) }));
    let (answer, rest) = poll_fn(|context| {
        let rest = request.poll(context);
        answer.take().map_or(Poll::Pending, |answer| Poll::Ready((answer, rest)))
    })
    .await;
    if rest.is_pending() {
        run(request, Some(running));
    }
    answer
}

/// Runs `work` beside the handler of the request at hand, and beyond it to its own end
/// (`docs/spin.md#work-after-the-response`).
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    match CURRENT.with_borrow(Clone::clone) {
        Some(request) => request.tasks.spawn(Box::pin(work)),
        // Something is dropped while no task is being polled.
        None => {
            let request = Rc::new(Request::new());
            request.tasks.spawn(Box::pin(work));
            run(request, None);
        }
    }
}

/// Waits for `duration`, with whoever else waits in the request at hand.
pub(super) async fn sleep(duration: Duration) {
    let timers = CURRENT.with_borrow(|request| request.as_ref().map(|request| Rc::clone(&request.timers)));
    match timers {
        Some(timers) => timers.sleep(instant() + duration).await,
        None => when_woken(spin_sdk::time::sleep(duration)).await,
    }
}

/// Lets wit-bindgen poll `request` to its end, and drops `running` then.
fn run(request: Rc<Request>, running: Option<oneshot::Sender<()>>) {
    wasip3::spawn(async move {
        poll_fn(|context| request.poll(context)).await;
        drop(running);
    });
}

impl Request {
    fn new() -> Self {
        Self { tasks: TaskSet::new(), timers: Rc::default(), alarm: RefCell::new(None) }
    }

    fn poll(self: &Rc<Self>, context: &mut Context<'_>) -> Poll<()> {
        let outer = CURRENT.replace(Some(Rc::clone(self)));
        let outcome = turn(|| self.tasks.poll(context, |context| self.wake_due(context)));
        CURRENT.set(outer);
        if SDK_SPAWNED.take() && outcome.is_pending() {
            context.waker().wake_by_ref();
        }
        outcome
    }

    /// Wakes whoever has waited long enough, and sees to it that the host wakes the request for the next; false where nobody was
    /// woken.
    fn wake_due(&self, context: &mut Context<'_>) -> bool {
        let Some(first) = self.timers.first() else { return false };
        let mut alarm = self.alarm.borrow_mut();
        // One that rings earlier than it has to is not worth another.
        if alarm.as_ref().is_none_or(|alarm| alarm.at > first) {
            let wait = first.saturating_duration_since(instant());
            *alarm = Some(Alarm { at: first, ringing: Box::pin(when_woken(spin_sdk::time::sleep(wait))) });
        }
        let Some(Alarm { at, ringing }) = alarm.as_mut() else { return false };
        if ringing.as_mut().poll(context).is_pending() {
            return false;
        }
        self.timers.wake(*at);
        *alarm = None;
        true
    }
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
