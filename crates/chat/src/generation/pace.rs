//! How far apart the writes of an answer are: further where a write costs more.

use std::time::Duration;

use ids::Timestamp;

/// The least and the most time between the end of one write and the beginning of the next. The most is what can be missing of an
/// answer whose writer dies, besides what a write under way holds.
const NEAREST: Duration = Duration::from_millis(50);
const FARTHEST: Duration = Duration::from_millis(250);

/// Writing takes a fiftieth of the time, as long as that keeps the distance below [`FARTHEST`]: a write costs the database, and
/// whoever follows from elsewhere, more than what is written, and a database that needs long for one is busy.
const REST_PER_WORK: u32 = 50;

/// When the next write is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    last_ended: Timestamp,
    distance: Duration,
}

impl Pace {
    /// The pace after a write that took from `began` to `ended`.
    pub(crate) fn after_write(began: Timestamp, ended: Timestamp) -> Self {
        Self { last_ended: ended, distance: (ended.since(began) * REST_PER_WORK).clamp(NEAREST, FARTHEST) }
    }

    /// True where a write may begin.
    pub(crate) fn is_due(self, now: Timestamp) -> bool {
        now.since(self.last_ended) >= self.distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_costs_more_comes_less_often() {
        let at = Timestamp::from_millis;
        for (took_ms, distance_ms) in [(0, 50), (1, 50), (2, 100), (4, 200), (5, 250), (5_000, 250)] {
            let pace = Pace::after_write(at(1_000), at(1_000 + took_ms));
            assert!(!pace.is_due(at(1_000 + took_ms + distance_ms - 1)), "{took_ms} ms");
            assert!(pace.is_due(at(1_000 + took_ms + distance_ms)), "{took_ms} ms");
        }
    }
}
