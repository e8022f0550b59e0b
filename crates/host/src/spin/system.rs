//! Time and randomness from Spin.

use std::{
    cell::Cell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use ids::Timestamp;
use send_wrapper::SendWrapper;

use crate::{Clock, Random, woken::when_woken};

thread_local! {
    /// What time it is in the turn at hand, once somebody has asked.
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
    /// True while the tasks of a request have their turn.
    static IS_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Has `work` done as one turn, between two events of the host. The time stands still meanwhile, as in other event loops
/// (`uv_now` of libuv): it is asked for several times for each event, and asking is a passage to the host.
pub(super) fn turn<T>(work: impl FnOnce() -> T) -> T {
    NOW.set(None);
    let outer = IS_TURN.replace(true);
    let outcome = work();
    IS_TURN.set(outer);
    NOW.set(None);
    outcome
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
        SendWrapper::new(when_woken(spin_sdk::time::sleep(duration))).await;
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
