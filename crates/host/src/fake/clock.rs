//! A clock that stands still until a test moves it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::channel::oneshot;
use ids::Timestamp;

use crate::Clock;

/// A clock that a test moves. It begins at 2025-11-24T16:00:00Z.
#[derive(Debug)]
pub struct SetClock(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
    is_impatient: bool,
}

impl Default for SetClock {
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_764_000_000_000))
    }
}

impl SetClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(State { now, sleepers: Vec::new(), is_impatient: false }))
    }

    /// Moves the clock on by `duration` and wakes those whose time has come.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.now = state.now + duration;
        let now = state.now;
        let (awake, asleep) = std::mem::take(&mut state.sleepers).into_iter().partition(|(until, _)| *until <= now);
        state.sleepers = asleep;
        drop(state);
        let awake: Vec<(Timestamp, oneshot::Sender<()>)> = awake;
        for (_, sleeper) in awake {
            // Who no longer waits does not need to be woken.
            _ = sleeper.send(());
        }
    }

    /// From now on every sleep returns at once and moves the clock on by what was slept: for loops that look again and
    /// again. A deadline around work that really has to wait for something would pass at once.
    pub fn make_impatient(&self) {
        self.state().is_impatient = true;
    }

    /// How many sleeps are under way.
    pub fn sleepers(&self) -> usize {
        let mut state = self.state();
        state.sleepers.retain(|(_, sleeper)| !sleeper.is_canceled());
        state.sleepers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        let woken = {
            let mut state = self.state();
            let until = state.now + duration;
            if state.is_impatient {
                state.now = until;
                return;
            }
            let (sleeper, woken) = oneshot::channel();
            state.sleepers.push((until, sleeper));
            woken
        };
        // A sleeper is only dropped after it was woken, or with the clock, which nobody then holds.
        _ = woken.await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_sleep_ends_when_the_clock_is_moved_past_it() {
        let clock = SetClock::default();
        let mut sleep = clock.sleep(Duration::from_secs(2));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert!((&mut sleep).now_or_never().is_some());
        assert_eq!(clock.sleepers(), 0);
    }
}
