//! Time and randomness from Spin.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use ids::Timestamp;
use send_wrapper::SendWrapper;

use super::tasks::sleep;
use crate::{Clock, Random};

thread_local! {
    /// What time it is in the turn at hand, once somebody has asked.
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
    /// The same on the clock that never goes back.
    static INSTANT: Cell<Option<Instant>> = const { Cell::new(None) };
    /// True while the tasks of a request have their turn.
    static IS_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Has `work` done as one turn, between two events of the host. The time stands still meanwhile, as in other event loops
/// (`uv_now` of libuv): it is asked for several times for each event, and asking is a passage to the host.
pub(super) fn turn<T>(work: impl FnOnce() -> T) -> T {
    let forget = || (NOW.set(None), INSTANT.set(None));
    forget();
    let outer = IS_TURN.replace(true);
    let outcome = work();
    IS_TURN.set(outer);
    forget();
    outcome
}

/// The time of the turn at hand on the clock that never goes back.
pub(super) fn instant() -> Instant {
    let now = INSTANT.get().unwrap_or_else(Instant::now);
    if IS_TURN.get() {
        INSTANT.set(Some(now));
    }
    now
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SpinClock;

#[async_trait]
impl Clock for SpinClock {
    fn now(&self) -> Timestamp {
        if let Some(now) = NOW.get() {
            return now;
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
        if IS_TURN.get() {
            NOW.set(Some(now));
        }
        now
    }

    async fn sleep(&self, duration: Duration) {
        SendWrapper::new(sleep(duration)).await;
    }
}

/// The randomness of the operating system.
pub(super) struct SpinRandom;

impl Random for SpinRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut filled = 0;
        // The host may give fewer bytes than it was asked for, but always some.
        while filled < buffer.len() {
            let missing = &mut buffer[filled..];
            let bytes = spin_sdk::wasip3::random::random::get_random_bytes(missing.len() as u64);
            let count = bytes.len().min(missing.len());
            missing[..count].copy_from_slice(&bytes[..count]);
            filled += count;
        }
    }
}
