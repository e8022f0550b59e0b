//! Time and randomness from Spin.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use ids::Timestamp;
use send_wrapper::SendWrapper;

use crate::{Clock, Random};

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SpinClock;

#[async_trait]
impl Clock for SpinClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        SendWrapper::new(spin_sdk::time::sleep(duration)).await;
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
