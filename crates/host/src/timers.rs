//! Everybody who waits for time to pass in one request, on one timer of the host.
//!
//! A timer of the host costs five passages, and nearly every call has a deadline that never comes. So there is one timer, for
//! whoever is to be woken first, and a deadline that is over before its time costs nothing more.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

/// Who waits until when.
#[derive(Default)]
pub(crate) struct Timers(RefCell<State>);

#[derive(Default)]
struct State {
    /// By time, and then in the order in which they began to wait.
    waiting: BTreeMap<(Instant, u64), Waker>,
    begun: u64,
}

impl Timers {
    /// Waits until `until`.
    pub(crate) fn sleep(self: &Rc<Self>, until: Instant) -> Sleep {
        Sleep { timers: Rc::clone(self), until, number: None }
    }

    /// When the first of them is to be woken; none where nobody waits.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.0.borrow().waiting.first_key_value().map(|((until, _), _)| *until)
    }

    /// Wakes whoever waits until `now` at the latest.
    pub(crate) fn wake(&self, now: Instant) {
        let mut state = self.0.borrow_mut();
        let later = state.waiting.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.waiting, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
    }
}

/// Somebody who waits.
pub(crate) struct Sleep {
    timers: Rc<Timers>,
    until: Instant,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.timers.0.borrow_mut();
        let Some(number) = this.number else {
            state.begun += 1;
            let number = state.begun;
            state.waiting.insert((this.until, number), context.waker().clone());
            this.number = Some(number);
            return Poll::Pending;
        };
        match state.waiting.get_mut(&(this.until, number)) {
            Some(waker) => {
                waker.clone_from(context.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.timers.0.borrow_mut().waiting.remove(&(self.until, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    #[test]
    fn whoever_is_due_is_woken_and_nobody_else() {
        let (timers, now) = (Rc::new(Timers::default()), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut sleeps = [3, 1, 2, 1].map(|seconds| timers.sleep(at(seconds)));
        assert_eq!(timers.first(), None, "who has not begun to wait does not");
        assert!(sleeps.iter_mut().all(|sleep| sleep.now_or_never().is_none()));
        assert_eq!(timers.first(), Some(at(1)));
        timers.wake(now);
        assert!(sleeps.iter_mut().all(|sleep| sleep.now_or_never().is_none()));
        timers.wake(at(2));
        assert_eq!(sleeps.each_mut().map(|sleep| sleep.now_or_never().is_some()), [false, true, true, true]);
        assert_eq!(timers.first(), Some(at(3)));
        drop(sleeps);
        assert_eq!(timers.first(), None, "who has given up waiting is not waited for");
    }
}
