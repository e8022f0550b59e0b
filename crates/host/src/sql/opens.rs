//! The opens of one instance: which are under way, and whether another one may begin.
//!
//! An open that has been under way for too long is *stuck*: its packets are dropped, or the server has stopped. It cannot be
//! ended (see the [pool](super::pool)), so it is left to itself, and while it lasts, and for a moment after an open has
//! failed, nobody is let in: each would only wait for the same nothing. Then one is let in and tries again, and where that
//! goes well, everybody is. Who comes meanwhile waits for it, unless an open is stuck: then this one may become so too.
//! (A circuit breaker: Nygard, Release It!, 2nd edition, section 5.2.)

use std::time::Duration;

use ids::Timestamp;

use super::{driver::Refusal, error::SqlError, limits::Limits};

/// How long nobody is let in after an open has failed or has become stuck: as long as the client is told to wait.
const REST: Duration = Duration::from_secs(1);

/// The most opens that are left to themselves at once. Spin opens one after the other, so more would only queue up.
const MOST_STUCK: usize = 4;

/// The opens under way and what became of the last one.
#[derive(Debug, Default)]
pub(super) struct Opens {
    under_way: Vec<Open>,
    /// How many have ever begun; the number of the last one.
    begun: u64,
    /// The number of the newest one that went well: what is stuck since before then says nothing of the server as it is.
    succeeded: u64,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    since: Timestamp,
}

#[derive(Clone, Debug)]
struct Failure {
    at: Timestamp,
    error: SqlError,
}

impl Opens {
    /// Begins an open and gives its number, or says why it must not begin. `has_room` says whether the instance may have
    /// another connection.
    pub(super) fn begin(&mut self, now: Timestamp, has_room: bool, limits: &Limits) -> Result<u64, Refusal> {
        let hopeful = self.under_way.iter().filter(|open| now.since(open.since) < limits.open).count();
        let stuck = self.stuck(now, limits).count();
        match self.trouble(now, limits) {
            Some(failure) if now.since(failure.at) < REST || !has_room || stuck >= MOST_STUCK => {
                return Err(Refusal::Failed(failure.error));
            }
            Some(failure) if hopeful > 0 && stuck > 0 => return Err(Refusal::Failed(failure.error)),
            // The server gave its last answer at once, so what becomes of the one that tries again is known soon.
            Some(_) if hopeful > 0 => return Err(Refusal::Busy),
            None if !has_room || hopeful >= limits.opens => return Err(Refusal::Busy),
            Some(_) | None => {}
        }
        self.begun += 1;
        self.under_way.push(Open { number: self.begun, since: now });
        Ok(self.begun)
    }

    /// The open with this number is over, in whatever way.
    pub(super) fn end(&mut self, number: u64) {
        self.under_way.retain(|open| open.number != number);
    }

    /// The open with this number went well.
    pub(super) fn succeed(&mut self, number: u64) {
        self.succeeded = self.succeeded.max(number);
        self.failure = None;
    }

    /// An open, or what is said first on a fresh connection, has failed.
    pub(super) fn fail(&mut self, now: Timestamp, error: SqlError) {
        self.failure = Some(Failure { at: now, error });
    }

    /// True while an open is stuck. On Spin it holds the lock that every statement of the instance needs.
    pub(super) fn is_stuck(&self, now: Timestamp, limits: &Limits) -> bool {
        self.stuck(now, limits).next().is_some()
    }

    /// True while any open is under way, stuck or not.
    pub(super) fn are_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// How many have ever begun.
    pub(super) fn ever(&self) -> u64 {
        self.begun
    }

    fn stuck(&self, now: Timestamp, limits: &Limits) -> impl Iterator<Item = &Open> {
        self.under_way.iter().filter(move |open| open.number > self.succeeded && now.since(open.since) >= limits.open)
    }

    /// What speaks against the server: the newest failure, or an open that became stuck after it.
    fn trouble(&self, now: Timestamp, limits: &Limits) -> Option<Failure> {
        let stuck = self
            .stuck(now, limits)
            .last()
            .map(|open| Failure { at: open.since + limits.open, error: SqlError::late("no connection", limits.open) });
        stuck.into_iter().chain(self.failure.clone()).max_by_key(|failure| failure.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000) + Duration::from_secs(seconds)
    }

    fn lost() -> SqlError {
        SqlError::Unavailable { reason: "refused".into() }
    }

    /// What becomes of somebody who comes at `seconds`: `open`, `busy`, or the error.
    fn ask(opens: &mut Opens, seconds: u64) -> String {
        match opens.begin(at(seconds), true, &LIMITS()) {
            Ok(number) => format!("open {number}"),
            Err(Refusal::Failed(error)) => std::error::Error::source(&error).unwrap().to_string(),
            Err(Refusal::Busy | Refusal::Full) => "busy".to_owned(),
        }
    }

    #[test]
    fn two_are_opened_at_once_and_who_comes_third_waits() {
        let mut opens = Opens::default();
        assert_eq!([ask(&mut opens, 0), ask(&mut opens, 0), ask(&mut opens, 0)], ["open 1", "open 2", "busy"]);
        opens.end(1);
        opens.succeed(1);
        assert_eq!(ask(&mut opens, 0), "open 3");
        assert!(matches!(Opens::default().begin(at(0), false, &LIMITS()), Err(Refusal::Busy)));
    }

    #[test]
    fn after_a_failure_nobody_is_let_in_for_a_moment_then_one_whom_the_others_wait_for() {
        let mut opens = Opens::default();
        ask(&mut opens, 0);
        opens.end(1);
        opens.fail(at(0), lost());
        assert_eq!(ask(&mut opens, 0), "refused");
        assert_eq!([ask(&mut opens, 1), ask(&mut opens, 1)], ["open 2", "busy"]);
        opens.end(2);
        opens.succeed(2);
        assert_eq!([ask(&mut opens, 1), ask(&mut opens, 1)], ["open 3", "open 4"]);
    }

    #[test]
    fn stuck_opens_keep_everybody_out_and_only_a_few_are_ever_left_to_themselves() {
        let (mut opens, late) = (Opens::default(), "no connection within 3000 ms");
        let asked: Vec<String> = (0..60).map(|seconds| ask(&mut opens, seconds)).collect();
        let begun: Vec<usize> = (0..60).filter(|seconds| asked[*seconds].starts_with("open")).collect();
        // Two at first, one of them a second later; then one at a time, each a moment after the one before became stuck.
        assert_eq!(begun, [0, 1, 5, 9]);
        assert_eq!((asked[4].as_str(), asked[59].as_str()), (late, late));
        // One that goes well after all says that the server is there, and those before it do not count any more.
        opens.end(4);
        opens.succeed(4);
        assert!(!opens.is_stuck(at(60), &LIMITS()) && opens.are_under_way());
        assert_eq!(ask(&mut opens, 60), "open 5");
    }
}
