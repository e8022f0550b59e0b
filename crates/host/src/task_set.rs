//! The tasks of a request, polled together by whoever runs the request.
//!
//! It is a `FuturesUnordered` with two differences that count where every return to the host is a passage
//! (decision 9 says which): a task that is spawned while others are polled is polled in the same round, and a task that wakes
//! another one of the set is nobody's business outside.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{
    future::LocalBoxFuture,
    stream::{FuturesUnordered, StreamExt},
    task::AtomicWaker,
};

/// How many rounds are polled at most before others get their turn: tasks that wake each other without end would keep the
/// instance to themselves.
const MAX_ROUNDS: usize = 64;

/// The tasks of a request.
pub(crate) struct TaskSet {
    running: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Spawned and not polled yet.
    spawned: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// Wakes whoever polls the set, but not while it is being polled.
#[derive(Default)]
struct Bell {
    is_polling: AtomicBool,
    has_rung: AtomicBool,
    waiting: AtomicWaker,
}

impl TaskSet {
    /// A set without a task.
    pub(crate) fn new() -> Self {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        Self { running: RefCell::default(), spawned: RefCell::default(), bell, waker }
    }

    /// Adds a task. Whoever does so while the set is not being polled has to poll it.
    pub(crate) fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.spawned.borrow_mut().push(task);
    }

    /// Polls what was woken until nothing is any more; ready when there is no task left. `wake_due` is asked then whether it has
    /// woken some.
    pub(crate) fn poll(&self, context: &mut Context<'_>, wake_due: impl FnMut(&mut Context<'_>) -> bool) -> Poll<()> {
        self.bell.waiting.register(context.waker());
        self.bell.is_polling.store(true, Ordering::Release);
        let outcome = self.poll_rounds(context, wake_due);
        self.bell.is_polling.store(false, Ordering::Release);
        if outcome.is_pending() && self.bell.has_rung.load(Ordering::Acquire) {
            context.waker().wake_by_ref();
        }
        outcome
    }

    fn poll_rounds(&self, outer: &mut Context<'_>, mut wake_due: impl FnMut(&mut Context<'_>) -> bool) -> Poll<()> {
        for _ in 0..MAX_ROUNDS {
            self.bell.has_rung.store(false, Ordering::Release);
            let spawned = self.spawned.take();
            let is_over = {
                let mut running = self.running.borrow_mut();
                running.extend(spawned);
                let mut context = Context::from_waker(&self.waker);
                while let Poll::Ready(Some(())) = running.poll_next_unpin(&mut context) {}
                running.is_empty()
            };
            let has_more = !self.spawned.borrow().is_empty();
            if is_over && !has_more {
                return Poll::Ready(());
            }
            let has_rung = self.bell.has_rung.load(Ordering::Acquire);
            if !has_more && !has_rung && !wake_due(outer) {
                return Poll::Pending;
            }
        }
        self.bell.has_rung.store(true, Ordering::Release);
        Poll::Pending
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        if !self.is_polling.load(Ordering::Acquire) {
            self.waiting.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, rc::Rc};

    use futures::{
        FutureExt, SinkExt,
        channel::{mpsc, oneshot},
        task::noop_waker_ref,
    };

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Alarm(std::sync::atomic::AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_a_task_spawns_is_polled_in_the_same_round() {
        let (set, ran) = (Rc::new(TaskSet::new()), Rc::new(Cell::new(0)));
        let (its_set, its_ran) = (set.clone(), ran.clone());
        set.spawn(Box::pin(async move {
            let again = its_ran.clone();
            its_set.spawn(Box::pin(async move { again.set(again.get() + 1) }));
            its_ran.set(its_ran.get() + 1);
        }));
        assert_eq!(set.poll(&mut Context::from_waker(noop_waker_ref()), |_| false), Poll::Ready(()));
        assert_eq!(ran.get(), 2);
    }

    #[test]
    fn tasks_that_wake_each_other_wake_nobody_else() {
        let (set, alarm) = (TaskSet::new(), Arc::new(Alarm::default()));
        let waker = Waker::from(alarm.clone());
        let (mut sender, mut receiver) = mpsc::channel(1);
        let (go_on, went_on) = oneshot::channel::<()>();
        set.spawn(Box::pin(async move { while receiver.next().await.is_some() {} }));
        set.spawn(Box::pin(async move {
            for number in 0..10 {
                sender.send(number).await.unwrap();
            }
            went_on.await.unwrap();
        }));
        assert_eq!(set.poll(&mut Context::from_waker(&waker), |_| false), Poll::Pending);
        assert_eq!(alarm.0.load(Ordering::Relaxed), 0);
        // Somebody outside does.
        go_on.send(()).unwrap();
        assert_eq!(alarm.0.load(Ordering::Relaxed), 1);
        assert_eq!(set.poll(&mut Context::from_waker(&waker), |_| false), Poll::Ready(()));
    }

    #[test]
    fn only_what_was_woken_is_polled() {
        let set = TaskSet::new();
        let (polls, (_never, silence)) = (Rc::new(Cell::new(0)), oneshot::channel::<()>());
        let (count, mut silence) = (polls.clone(), silence);
        set.spawn(Box::pin(poll_fn(move |context| {
            count.set(count.get() + 1);
            silence.poll_unpin(context).map(drop)
        })));
        for _ in 0..5 {
            assert!(set.poll(&mut Context::from_waker(noop_waker_ref()), |_| false).is_pending());
        }
        assert_eq!(polls.get(), 1);
    }

    #[test]
    fn a_task_that_wakes_itself_without_end_lets_others_have_their_turn() {
        let (set, alarm) = (TaskSet::new(), Arc::new(Alarm::default()));
        set.spawn(Box::pin(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        })));
        assert!(set.poll(&mut Context::from_waker(&Waker::from(alarm.clone())), |_| false).is_pending());
        assert_eq!(alarm.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_is_due_once_all_tasks_wait_is_polled_in_the_same_turn() {
        let (set, alarm) = (TaskSet::new(), Arc::new(Alarm::default()));
        let (ring, rung) = oneshot::channel::<()>();
        set.spawn(Box::pin(async move { rung.await.unwrap() }));
        let mut ring = Some(ring);
        let waker = Waker::from(alarm.clone());
        let polled =
            set.poll(&mut Context::from_waker(&waker), |_| ring.take().is_some_and(|ring| ring.send(()).is_ok()));
        assert_eq!(polled, Poll::Ready(()));
        assert_eq!(alarm.0.load(Ordering::Relaxed), 0);
    }
}
