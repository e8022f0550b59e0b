//! The writers of one instance take turns at a SQLite database.
//!
//! SQLite has one writer at a time, and who finds another one at work sleeps and looks again, for up to 100 ms: a hundred
//! writers at once then spend most of their time asleep, and some of them never get their turn. Here they stand in a queue, so
//! that of each instance only the first asks SQLite. Nobody waits for another request's future (`spin.md` 2.4): who stands
//! further back looks less often.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ids::Timestamp;

use super::SqlError;
use crate::Clock;

/// The queue of the writers.
#[derive(Default)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<u64>,
    tickets: u64,
}

/// How long the one at the head of the queue waits before it looks again, and how long anybody does at most.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: u32 = 16;

impl Turns {
    /// Stands in the queue until it is this caller's turn, which lasts as long as the result is kept.
    pub(super) async fn wait(self: &Arc<Self>, clock: &dyn Clock, until: Timestamp) -> Result<Turn, SqlError> {
        let turn = self.stand_in_line();
        loop {
            match turn.place() {
                0 => return Ok(turn),
                _ if clock.now() > until => return Err(SqlError::LockTimeout),
                place => clock.sleep(SHORTEST * u32::try_from(place).unwrap_or(LONGEST).min(LONGEST)).await,
            }
        }
    }

    fn stand_in_line(self: &Arc<Self>) -> Turn {
        let mut queue = self.queue();
        queue.tickets += 1;
        let ticket = queue.tickets;
        queue.waiting.push_back(ticket);
        Turn { turns: Arc::clone(self), ticket }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, at its head once [`Turns::wait`] has returned it.
pub(super) struct Turn {
    turns: Arc<Turns>,
    ticket: u64,
}

impl Turn {
    fn place(&self) -> usize {
        self.turns.queue().waiting.iter().take_while(|ticket| **ticket != self.ticket).count()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.queue().waiting.retain(|ticket| *ticket != self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::fake::SetClock;

    #[test]
    fn turns_come_in_order_and_who_leaves_the_queue_holds_nobody_up() {
        let (turns, clock) = (Arc::new(Turns::default()), SetClock::default());
        let until = clock.now() + Duration::from_secs(8);
        let first = turns.wait(&clock, until).now_or_never().unwrap().ok().unwrap();
        let mut second = Box::pin(turns.wait(&clock, until));
        let mut third = Box::pin(turns.wait(&clock, until));
        let mut fourth = Box::pin(turns.wait(&clock, until));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut fourth).now_or_never().is_none());
        drop(second);
        drop(first);
        clock.advance(Duration::from_millis(16));
        assert!((&mut fourth).now_or_never().is_none());
        let third = (&mut third).now_or_never().unwrap().ok().unwrap();
        clock.advance(Duration::from_secs(9));
        assert_eq!((&mut fourth).now_or_never().unwrap().err(), Some(SqlError::LockTimeout));
        drop(third);
        assert!(turns.queue().waiting.is_empty());
    }
}
