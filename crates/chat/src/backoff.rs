//! Trying again when the database is away for a moment.

use std::time::Duration;

use host::Clock;
use ids::Timestamp;

/// Pauses between attempts, each twice as long as the one before.
pub(crate) struct Backoff {
    pauses_left: u32,
    next: Duration,
    until: Timestamp,
    paused: bool,
}

impl Backoff {
    /// For work that nobody can repeat: it outlasts the restart of a database. No attempt begins after `until`.
    pub(crate) fn for_outages(until: Timestamp) -> Self {
        Self { pauses_left: 7, next: Duration::from_millis(100), until, paused: false }
    }

    /// Waits and says true where there may be another attempt after an outage.
    pub(crate) async fn after_outage(&mut self, clock: &dyn Clock) -> bool {
        let is_too_late = clock.now() + self.next > self.until;
        if self.pauses_left == 0 || is_too_late {
            return false;
        }
        self.pauses_left -= 1;
        self.paused = true;
        clock.sleep(self.next).await;
        self.next *= 2;
        true
    }

    /// True from the second attempt on.
    pub(crate) fn has_paused(&self) -> bool {
        self.paused
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
