//! How many streams are held at a time: by one person, on all instances together, and by one instance.
//!
//! An answer that is posted with `"stream": true` is one of its conversation, so only followers could come without number. Each
//! takes one of its reader's places, a row with a lease by the database's clock, and gives it back at its end; the places of an
//! instance that died are free again when their lease is over.

mod repo;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use host::{Host, sql::SqlError};
use ids::Timestamp;
use tracing::Instrument;

use crate::{error::ChatError, viewer::Viewer};

/// How many answers one person follows at a time: a tab for each answer, and then some.
pub(crate) const FOLLOWED_AT_ONCE: usize = 64;

/// How many streams an instance holds. Of the sixteen requests that Spin gives an instance at a time, those count of which the
/// head of the response has not been sent: streams come on top of them.
const HELD_AT_ONCE: usize = 512;

/// How long a follower reads at most: longer than any answer is written. One that is not done by then comes back for the rest.
pub(crate) const LONGEST: Duration = llm::LONGEST_CALL.saturating_add(Duration::from_secs(60));

/// How often a place is tried to be taken that somebody else takes at the same time.
const ATTEMPTS: usize = 8;

/// The streams that this instance holds. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<AtomicUsize>);

/// One of the streams of an instance, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Held(Streams);

impl Streams {
    /// One stream more, unless the instance holds as many as it may.
    pub(crate) fn hold(&self) -> Result<Held, ChatError> {
        // Nothing else runs between the two: an instance has one thread.
        if self.0.load(Ordering::Relaxed) >= HELD_AT_ONCE {
            return Err(ChatError::Overloaded);
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Held(self.clone()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One of the places of a person who follows answers, for as long as this is kept.
pub(crate) struct Place {
    host: Host,
    viewer: Viewer,
    place: i64,
    /// Who has it, so that it is not given back by somebody whose lease is over.
    holder: String,
    until: Timestamp,
}

impl Place {
    /// Takes one of `viewer`'s places.
    pub(crate) async fn take(host: &Host, viewer: &Viewer) -> Result<Self, ChatError> {
        let (sql, holder) = (&*host.sql, host.new_id::<ids::MessageId>().to_string());
        for _ in 0..ATTEMPTS {
            let places = repo::places(sql, viewer).await?;
            let mut random = [0];
            host.random.fill(&mut random);
            let Some((place, is_new)) = choose(&places, random[0].into()) else { break };
            if repo::take(sql, viewer, place, is_new, &holder, LONGEST).await? {
                return Ok(Self { host: host.clone(), viewer: *viewer, place, holder, until: host.now() + LONGEST });
            }
        }
        Err(ChatError::TooManyStreams)
    }

    /// True where the lease is over.
    pub(crate) fn is_over(&self) -> bool {
        self.host.now() >= self.until
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (sql, viewer, place) = (self.host.sql.clone(), self.viewer, self.place);
        let holder = std::mem::take(&mut self.holder);
        let giving_back = async move {
            let outcome: Result<(), SqlError> = repo::give_back(&*sql, &viewer, place, &holder).await;
            if let Err(error) = outcome {
                tracing::warn!(cause = %error, "a follower's place was not given back; its lease ends it");
            }
        };
        self.host.tasks.spawn(Box::pin(giving_back.instrument(tracing::Span::current())));
    }
}

/// A place that is free, and whether it has no row yet. `places` are those that have one, each with whether its lease is over.
/// Who comes at the same time has another `random` number, and so most often looks at another place first.
fn choose(places: &[(i64, bool)], random: usize) -> Option<(i64, bool)> {
    let candidates = (0..FOLLOWED_AT_ONCE).map(|step| ((random + step) % FOLLOWED_AT_ONCE) as i64);
    candidates
        .map(|place| (place, places.iter().find(|(other, _)| *other == place)))
        .find(|(_, row)| row.is_none_or(|(_, is_free)| *is_free))
        .map(|(place, row)| (place, row.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_chosen_that_is_free_and_from_somewhere_on() {
        assert_eq!(choose(&[], 300), Some((300 % 64, true)));
        assert_eq!(choose(&[(3, false), (4, true)], 3), Some((4, false)));
        let all_but = |free: i64| (0..64).map(|place| (place, place == free)).collect::<Vec<_>>();
        assert_eq!(choose(&all_but(2), 3), Some((2, false)));
        assert_eq!(choose(&all_but(64), 3), None);
    }

    #[test]
    fn an_instance_holds_so_many_streams_and_no_more() {
        let streams = Streams::default();
        let mut held: Vec<_> = (0..HELD_AT_ONCE).map(|_| streams.hold().unwrap()).collect();
        assert!(matches!(streams.hold(), Err(ChatError::Overloaded)));
        held.pop();
        assert!(streams.hold().is_ok());
    }
}
