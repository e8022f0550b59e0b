//! Trying again when the database has a bad moment.

use std::time::Duration;

use host::{Clock, sql::SqlError};
use ids::Timestamp;

/// Pauses between attempts, each twice as long as the one before.
pub(crate) struct Backoff {
    pauses_left: u32,
    next: Duration,
    until: Option<Timestamp>,
    paused: bool,
}

impl Backoff {
    /// For a transaction that gave way to another one and that a caller waits for.
    pub(crate) fn for_conflicts() -> Self {
        Self { pauses_left: 4, next: Duration::from_millis(5), until: None, paused: false }
    }

    /// For work that nobody can repeat: it outlasts the restart of a database. No attempt begins after `until`.
    pub(crate) fn for_outages(until: Timestamp) -> Self {
        Self { pauses_left: 7, next: Duration::from_millis(100), until: Some(until), paused: false }
    }

    /// Waits and says true where the transaction that ended in `error` is worth another attempt because it gave way.
    pub(crate) async fn after_conflict(&mut self, error: &SqlError, clock: &dyn Clock) -> bool {
        error.is_transient() && self.pause(clock).await
    }

    /// Waits and says true where there may be another attempt after an outage.
    pub(crate) async fn after_outage(&mut self, clock: &dyn Clock) -> bool {
        self.pause(clock).await
    }

    /// True from the second attempt on.
    pub(crate) fn has_paused(&self) -> bool {
        self.paused
    }

    async fn pause(&mut self, clock: &dyn Clock) -> bool {
        let is_too_late = self.until.is_some_and(|until| clock.now() + self.next > until);
        if self.pauses_left == 0 || is_too_late {
            return false;
        }
        self.pauses_left -= 1;
        self.paused = true;
        clock.sleep(self.next).await;
        self.next *= 2;
        true
    }
}

#[cfg(test)]
mod tests {
    use host::fake::SetClock;

    use super::*;

    #[tokio::test]
    async fn no_attempt_begins_after_the_end_of_the_lease() {
        let clock = SetClock::default();
        clock.make_impatient();
        let began = clock.now();
        let mut backoff = Backoff::for_outages(began + Duration::from_secs(1));
        let mut attempts = 1;
        while backoff.after_outage(&clock).await {
            attempts += 1;
        }
        // After 100, 200 and 400 ms; 800 ms more would be too late.
        assert_eq!((attempts, clock.now().since(began)), (4, Duration::from_millis(700)));

        let mut backoff = Backoff::for_outages(began + Duration::from_secs(1000));
        attempts = 1;
        while backoff.after_outage(&clock).await {
            attempts += 1;
        }
        assert_eq!(attempts, 8);
    }
}
