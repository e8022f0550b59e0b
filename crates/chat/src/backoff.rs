//! Trying again when the database has a bad moment.

use std::time::Duration;

use fault::{Fault, Kind};
use host::{Clock, sql::SqlError};

/// Pauses between attempts, each twice as long as the one before.
pub(crate) struct Backoff {
    pauses_left: u32,
    next: Duration,
    paused: bool,
}

impl Backoff {
    /// For a transaction that gave way to another one and that a caller waits for.
    pub(crate) fn for_conflicts() -> Self {
        Self { pauses_left: 4, next: Duration::from_millis(5), paused: false }
    }

    /// For work that nobody can repeat: it outlasts the restart of a database, within the lease of the answer it stores.
    pub(crate) fn for_outages() -> Self {
        Self { pauses_left: 7, next: Duration::from_millis(100), paused: false }
    }

    /// Waits and says true where the transaction that ended in `error` is worth another attempt because it gave way.
    pub(crate) async fn after_conflict(&mut self, error: &SqlError, clock: &dyn Clock) -> bool {
        error.is_transient() && self.pause(clock).await
    }

    /// Waits and says true where `error` may pass.
    pub(crate) async fn after_outage(&mut self, error: &SqlError, clock: &dyn Clock) -> bool {
        error.kind() == Kind::Unavailable && self.pause(clock).await
    }

    /// True from the second attempt on.
    pub(crate) fn has_paused(&self) -> bool {
        self.paused
    }

    async fn pause(&mut self, clock: &dyn Clock) -> bool {
        if self.pauses_left == 0 {
            return false;
        }
        self.pauses_left -= 1;
        self.paused = true;
        clock.sleep(self.next).await;
        self.next *= 2;
        true
    }
}
