//! How fast somebody may guess passwords, and how many are hashed at a time.
//!
//! A limit is a bucket that drains steadily: an attempt fills it by one, and is refused where there is no room (the generic
//! cell rate algorithm, ITU-T I.371). Who was right gets the room back, so the limits are felt by those who guess. They are
//! looked at before anything is hashed, and hold for all instances and hosts, because the buckets are rows.

use std::{net::IpAddr, time::Duration};

use fault::faults;
use host::{Host, sql::SqlError};

use crate::{hex::hex, repo, token::TokenKey};

/// A bucket of attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// A keyed hash of what is limited: the table tells nobody's address.
    pub(crate) key: String,
    /// How long it takes until there is room for one more.
    pub(crate) interval_ms: i64,
    /// How many fit into it.
    burst: i64,
}

impl Bucket {
    /// How far ahead of its drain a bucket may be and still take one.
    pub(crate) fn tolerance_ms(&self) -> i64 {
        self.interval_ms * (self.burst - 1)
    }
}

/// What is in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) key: String,
    /// When it will be empty, from now on; negative where it has been for so long.
    pub(crate) drained_in_ms: i64,
    /// How long it stays locked; negative where it has been open for so long.
    pub(crate) locked_for_ms: i64,
}

/// What wrong passwords in a row lead to.
pub(crate) struct Lockout {
    /// So many wrong ones less one have no consequence.
    pub(crate) free_failures: i64,
    /// How long the first lock lasts; each next one twice as long, up to the longest.
    pub(crate) first_ms: i64,
    pub(crate) longest_ms: i64,
}

/// From the fifth wrong password on: one second, two, four, ... up to a quarter of an hour. It holds for an account as seen
/// from one network, so that nobody can lock somebody else out of theirs.
pub(crate) const LOCKOUT: Lockout = Lockout { free_failures: 5, first_ms: 1000, longest_ms: 15 * 60 * 1000 };

impl Lockout {
    /// After so many doublings a lock is as long as it gets.
    pub(crate) fn doublings(&self) -> u32 {
        (self.longest_ms / self.first_ms).ilog2() + 1
    }
}

/// Why somebody has to wait.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// There were too many attempts from here, or on this account.
    #[error("There were too many attempts; wait before the next one.")]
    TooMany {
        /// In milliseconds.
        retry_after_ms: u64,
    },
    /// More passwords are waiting to be hashed than can be in a short time.
    #[error("Too many people sign in at the moment; try again shortly.")]
    Busy,
    /// The database does not say.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

faults! { LimitError {
    Self::TooMany { retry_after_ms } => Throttled "too_many_requests" { retry_after_ms: Some(*retry_after_ms) },
    Self::Busy => Throttled "too_many_requests" { retry_after_ms: Some(2000) },
    Self::Sql(error) => error,
} }

/// Who tries something, as far as limits are concerned.
#[derive(Clone, Copy)]
pub(crate) struct Visitor<'a> {
    /// The key that bucket names are hashed with.
    pub(crate) key: &'a TokenKey,
    /// Where they come from; without it nothing is limited by it.
    pub(crate) address: Option<IpAddr>,
}

impl Visitor<'_> {
    /// The buckets of somebody who gives a password for the account of `email`. The last one is that of the account as seen
    /// from their network: the one that wrong passwords lock.
    pub(crate) fn signing_in(self, email: &str) -> Vec<Bucket> {
        let network = self.network().unwrap_or_default();
        let mut buckets = self.coming();
        buckets.push(self.bucket("account", email, 30, 10_000));
        buckets.push(self.bucket("account from network", &format!("{email} {network}"), 20, 2000));
        buckets
    }

    /// The buckets of somebody who has a password hashed.
    pub(crate) fn coming(self) -> Vec<Bucket> {
        let address = self.address.map(|address| self.bucket("address", &address.to_string(), 20, 3000));
        let network = self.network().map(|network| self.bucket("network", &network, 60, 1000));
        address.into_iter().chain(network).collect()
    }

    /// The bucket of those who open accounts: it is not given back, because each account is something that stays.
    pub(crate) fn registering(self) -> Vec<Bucket> {
        self.network().map(|network| self.bucket("registrations", &network, 100, 6000)).into_iter().collect()
    }

    /// The bucket of those who have letters sent, and that of letters to `email`.
    pub(crate) fn asking_for_letters(self, email: &str) -> (Vec<Bucket>, Bucket) {
        let network = self.network().map(|network| self.bucket("letters", &network, 20, 60_000));
        (network.into_iter().collect(), self.bucket("letters to", email, 3, 10 * 60_000))
    }

    /// Who has one address has 256 of its kind, or 2 to the power of 64.
    fn network(self) -> Option<String> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        })
    }

    fn bucket(self, kind: &str, subject: &str, burst: i64, interval_ms: i64) -> Bucket {
        let key = hex(&self.key.derive("limit", format!("{kind}\0{subject}").as_bytes()));
        Bucket { key, interval_ms, burst }
    }
}

/// Lets an attempt through, or says how long to wait. It costs one trip to the database where the buckets are there.
pub(crate) async fn admit(host: &Host, buckets: &[Bucket]) -> Result<(), LimitError> {
    let sql = &*host.sql;
    if buckets.is_empty() || repo::limits::take(sql, buckets).await? {
        return Ok(());
    }
    let states = repo::limits::states(sql, buckets).await?;
    let missing = |bucket: &&Bucket| !states.iter().any(|state| state.key == bucket.key);
    let mut is_first = false;
    for bucket in buckets.iter().filter(missing) {
        repo::limits::make(sql, bucket).await?;
        is_first = true;
    }
    if is_first && repo::limits::take(sql, buckets).await? {
        return Ok(());
    }
    Err(LimitError::TooMany { retry_after_ms: wait_ms(buckets, &states) })
}

/// How long it takes until each of `buckets` takes one more.
fn wait_ms(buckets: &[Bucket], states: &[State]) -> u64 {
    let wait = |bucket: &Bucket| {
        let state = states.iter().find(|state| state.key == bucket.key);
        state.map_or(0, |state| state.locked_for_ms.max(state.drained_in_ms - bucket.tolerance_ms()))
    };
    // Somebody else may have taken the room in between: then a moment will do.
    let longest = buckets.iter().map(wait).max().unwrap_or_default().max(1);
    longest.unsigned_abs()
}

/// How long a slot is kept for somebody who does not give it back.
const SLOT_LEASE_MS: i64 = 5000;

/// How long a request waits for a slot before it is turned away, and how often it looks.
const SLOT_PATIENCE: Duration = Duration::from_secs(8);
const FIRST_LOOK: Duration = Duration::from_millis(15);
const LONGEST_LOOK: Duration = Duration::from_millis(120);

/// Runs `work`, which hashes passwords, while no more than `at_once` of its kind run in the whole deployment.
///
/// An instance has one thread, so it never hashes two at a time; but while it hashes, Spin makes another instance for the next
/// request (`docs/spin.md#instances`). Without a bound each of two hundred requests would have an instance with 19 MiB of its
/// own, and all threads of the host would hash while everybody else waits.
pub(crate) async fn in_turn<T>(host: &Host, at_once: i64, work: impl FnOnce() -> T) -> Result<T, LimitError> {
    let mut random = [0; 16];
    host.random.fill(&mut random);
    let (holder, first) = (hex(&random), i64::from(random[0]));
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_LOOK);
    let slot = loop {
        let mut taken = None;
        for slot in (0..at_once).map(|number| (first + number) % at_once) {
            if repo::limits::take_slot(&*host.sql, slot, &holder, SLOT_LEASE_MS).await? {
                taken = Some(slot);
                break;
            }
        }
        if let Some(slot) = taken {
            break slot;
        }
        if waited >= SLOT_PATIENCE {
            return Err(LimitError::Busy);
        }
        host.clock.sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_LOOK);
    };
    let output = work();
    if let Err(error) = repo::limits::give_slot_back(&*host.sql, slot, &holder).await {
        tracing::warn!(%error, "a slot for hashing could not be given back; it is free again in {SLOT_LEASE_MS} ms");
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(key: &TokenKey, address: &str) -> Vec<String> {
        let visitor = Visitor { key, address: address.parse().ok() };
        visitor.signing_in("ada@example.com").into_iter().map(|bucket| bucket.key).collect()
    }

    #[test]
    fn neighbours_share_a_network_and_not_an_address() {
        let key = TokenKey::new(&[1; 32]);
        for (one, neighbour, stranger) in [
            ("192.0.2.1", "192.0.2.200", "192.0.3.1"),
            ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
            ("::ffff:192.0.2.1", "192.0.2.9", "192.0.3.1"),
        ] {
            let (one, neighbour, stranger) = (visitor(&key, one), visitor(&key, neighbour), visitor(&key, stranger));
            assert!(one[0] != neighbour[0] && one[1..] == neighbour[1..]);
            assert!(one[1] != stranger[1] && one[2] == stranger[2] && one[3] != stranger[3]);
        }
        assert_eq!(visitor(&key, "nowhere").len(), 2);
    }

    #[test]
    fn the_longest_wait_counts() {
        let bucket = |key: &str| Bucket { key: key.to_owned(), interval_ms: 1000, burst: 3 };
        let state =
            |key: &str, drained_in_ms, locked_for_ms| State { key: key.to_owned(), drained_in_ms, locked_for_ms };
        let states = [state("a", 2500, -9), state("b", -5000, 700)];
        assert_eq!(wait_ms(&[bucket("a"), bucket("b")], &states), 700);
        assert_eq!(wait_ms(&[bucket("a"), bucket("c")], &states), 500);
        assert_eq!(wait_ms(&[bucket("c")], &states), 1);
        assert_eq!(LOCKOUT.doublings(), 10);
    }
}
