//! How much of a conversation is held in memory at a time, counted in bytes of what its messages say.
//!
//! An instance answers at most sixteen requests at a time. A page says at most [`PAGE_BYTES`], unless its first message alone
//! says more; what it says beyond that is counted for the whole instance, [`LONG_BYTES`] at a time at most. A prompt tells a
//! model at most [`HISTORY_BYTES`] of the past, and twice as much is read for it. So an instance holds at most
//! 16 × 2 MiB + 8 MiB = 40 MiB of what messages say. Written as JSON a byte becomes up to six (`\u0001`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use host::Clock;

use crate::error::ChatError;

/// The most that the messages of a page say, unless that is one message.
pub(crate) const PAGE_BYTES: usize = 512 * 1024;

/// The most that a model is told of the past, however much it could read: about 260,000 tokens.
pub(crate) const HISTORY_BYTES: usize = 1024 * 1024;

/// The most that pages of an instance may say beyond [`PAGE_BYTES`] each.
const LONG_BYTES: usize = 8 * 1024 * 1024;

/// How often, and how many times, a page that has to wait for others looks whether it may go on: five seconds in all. Nobody
/// tells it, because requests of an instance must not wake one another.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 100;

/// How many of entries of these `sizes`, from the first on, fit into `budget` bytes: all up to the first that does not, and
/// one at least.
pub(crate) fn fitting(sizes: impl IntoIterator<Item = usize>, budget: usize) -> usize {
    let mut used = 0_usize;
    let fits = |size: &usize| {
        used = used.saturating_add(*size);
        used <= budget
    };
    sizes.into_iter().take_while(fits).count().max(1)
}

/// What long messages of an instance hold at the moment, in bytes. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LongMessages(Arc<AtomicUsize>);

/// Bytes that count as held until this is dropped.
#[derive(Debug, Default)]
pub struct Hold {
    held: Option<(LongMessages, usize)>,
}

impl LongMessages {
    /// Waits until a page may hold `bytes` more than [`PAGE_BYTES`]; where that takes too long the instance is overloaded.
    pub(crate) async fn admit(&self, bytes: usize, clock: &dyn Clock) -> Result<Hold, ChatError> {
        for _ in 0..LOOKS {
            if let Some(hold) = self.try_admit(bytes) {
                return Ok(hold);
            }
            clock.sleep(LOOK_EVERY).await;
        }
        self.try_admit(bytes).ok_or(ChatError::Overloaded)
    }

    fn try_admit(&self, bytes: usize) -> Option<Hold> {
        if bytes == 0 {
            return Some(Hold::default());
        }
        let held = self.0.load(Ordering::Relaxed);
        // What is longer than all that there is goes alone.
        if held > 0 && held.saturating_add(bytes) > LONG_BYTES {
            return None;
        }
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Some(Hold { held: Some((self.clone(), bytes)) })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some((long_messages, bytes)) = &self.held {
            long_messages.0.fetch_sub(*bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use host::fake::Fakes;

    use super::*;

    #[test]
    fn what_fits_is_taken_up_to_the_first_that_does_not_and_one_at_least() {
        for (sizes, count) in [
            (&[3, 3, 4][..], 3),
            (&[3, 3, 5], 2),
            (&[3, 9, 1], 1),
            (&[11, 1], 1),
            (&[0, 0, 0, 0], 4),
            (&[usize::MAX, usize::MAX], 1),
        ] {
            assert_eq!(fitting(sizes.iter().copied(), 10), count, "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn long_messages_wait_for_one_another_and_not_for_ever() {
        const MIB: usize = 1024 * 1024;
        let fakes = Fakes::without_database();
        let (clock, long_messages) = (&*fakes.clock, LongMessages::default());
        let first = long_messages.admit(5 * MIB, clock).await.unwrap();
        // There is room for three more, not for four; what is no longer than a page never waits.
        let second = long_messages.admit(3 * MIB, clock).await.unwrap();
        assert!(long_messages.admit(0, clock).now_or_never().unwrap().is_ok());
        assert!(long_messages.admit(1, clock).now_or_never().is_none(), "it waits");
        drop(second);
        assert!(long_messages.admit(4 * MIB, clock).now_or_never().is_none(), "it waits");
        fakes.clock.make_impatient();
        assert!(matches!(long_messages.admit(4 * MIB, clock).await, Err(ChatError::Overloaded)));
        drop(first);
        // Longer than all that there is: alone.
        let alone = long_messages.admit(20 * MIB, clock).await.unwrap();
        assert!(matches!(long_messages.admit(1, clock).await, Err(ChatError::Overloaded)));
        drop(alone);
        assert_eq!(long_messages.0.load(Ordering::Relaxed), 0);
    }
}
