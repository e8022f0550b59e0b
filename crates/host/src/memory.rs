//! What an instance remembers for a while, so that it does not ask again.

use std::{
    borrow::Borrow,
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ids::Timestamp;

use crate::Clock;

/// How long a request waits before it looks whether another one has got the answer that it needs too; each pause is twice as
/// long as the one before, up to the longest, and after so many it asks for itself. Waiting for the other's future instead
/// would trap the instance (`docs/spin.md#waking-another-request`).
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 16;

/// Answers by key, each good for a while.
///
/// Room is made for an answer that is kept and not for a question, so that questions without an answer (forged tokens) drive out
/// nothing, however many there are.
///
/// No lock is held while anything is waited for. When an instance starts, up to sixteen requests want to know the same; one
/// asks, the others look again a little later.
pub struct Memory<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    capacity: usize,
    /// How often a request looks whether another one has the answer, before it asks for itself.
    looks: usize,
    /// How many requests have asked.
    asked: AtomicU64,
}

enum Entry<V> {
    /// A request is asking, the one with this number.
    Asked(u64),
    Known {
        value: V,
        until: Timestamp,
    },
}

impl<K: Clone + Eq + Hash, V: Clone> Memory<K, V> {
    /// A memory for `capacity` answers.
    pub fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity, looks: LOOKS, asked: AtomicU64::new(0) }
    }

    /// The same, where nobody asks while another request does, however long that takes.
    pub fn patient(self) -> Self {
        Self { looks: usize::MAX, ..self }
    }

    /// The answer for `key` at `now`: the one that is known, or what `ask` gives, which is good until `ttl` later. A failure
    /// is not kept.
    pub async fn get_or<Q, E>(
        &self,
        clock: &dyn Clock,
        now: Timestamp,
        key: &Q,
        ttl: Duration,
        ask: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 0..self.looks {
            match self.entries().get(key) {
                Some(Entry::Known { value, until }) if now < *until => return Ok(value.clone()),
                Some(Entry::Asked(_)) => {}
                Some(Entry::Known { .. }) | None => break,
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let key = key.to_owned();
        self.entries().insert(key.clone(), Entry::Asked(number));
        let asking = Asking { memory: self, key: &key, number };
        let value = ask.await?;
        let entry = Entry::Known { value: value.clone(), until: now + ttl };
        asking.answer(entry, now);
        Ok(value)
    }

    /// Forgets the answers that are `outdated`. A request that is asking right now does not keep what it gets.
    pub fn forget(&self, outdated: impl Fn(&V) -> bool) {
        self.entries().retain(|_, entry| matches!(entry, Entry::Known { value, .. } if !outdated(value)));
    }

    /// A panic ends the instance, so there is no one left to see a poisoned lock.
    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what is known and good no longer, and where that is too little the answer that would be the next; so much that one more
/// fits. What is being asked does not count: of that there is no more than there are requests.
fn make_room<K: Clone + Eq + Hash, V>(entries: &mut HashMap<K, Entry<V>>, capacity: usize, now: Timestamp) {
    let known =
        |entries: &HashMap<K, Entry<V>>| entries.values().filter(|entry| matches!(entry, Entry::Known { .. })).count();
    // Counting costs, and while there are fewer entries than fit there is nothing to count.
    if entries.len() < capacity || known(entries) < capacity {
        return;
    }
    entries.retain(|_, entry| !matches!(entry, Entry::Known { until, .. } if *until <= now));
    if known(entries) < capacity {
        return;
    }
    let oldest = entries.iter().filter_map(|(key, entry)| match entry {
        Entry::Known { until, .. } => Some((*until, key)),
        Entry::Asked(_) => None,
    });
    if let Some(key) = oldest.min_by_key(|(until, _)| *until).map(|(_, key)| key.clone()) {
        entries.remove(&key);
    }
}

/// A request that asks. If it fails or is dropped, the next one asks instead.
struct Asking<'m, K: Clone + Eq + Hash, V: Clone> {
    memory: &'m Memory<K, V>,
    key: &'m K,
    number: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Asking<'_, K, V> {
    /// Keeps the answer, unless its key was forgotten in the meantime: then it may be out of date already.
    fn answer(self, entry: Entry<V>, now: Timestamp) {
        let mut entries = self.memory.entries();
        if entries.get(self.key).is_some_and(|asked| self.is_mine(asked)) {
            make_room(&mut entries, self.memory.capacity, now);
            entries.insert(self.key.clone(), entry);
        }
        // `self` is dropped after this, and locks again.
        drop(entries);
    }

    fn is_mine(&self, entry: &Entry<V>) -> bool {
        matches!(entry, Entry::Asked(number) if *number == self.number)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for Asking<'_, K, V> {
    fn drop(&mut self) {
        let mut entries = self.memory.entries();
        if entries.get(self.key).is_some_and(|entry| self.is_mine(entry)) {
            entries.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, convert::Infallible};

    use futures::{FutureExt, future::join, pin_mut, poll};

    use super::*;
    use crate::fake::SetClock;

    const TTL: Duration = Duration::from_secs(10);

    async fn ask(memory: &Memory<u8, u8>, clock: &SetClock, key: u8, answer: u8) -> u8 {
        let answer = memory.get_or(clock, clock.now(), &key, TTL, async { Ok::<_, Infallible>(answer) }).await;
        answer.unwrap_or_else(|never| match never {})
    }

    #[tokio::test]
    async fn an_answer_is_remembered_for_its_time() {
        let (memory, clock) = (Memory::new(10), SetClock::default());
        assert_eq!(ask(&memory, &clock, 1, 7).await, 7);
        clock.advance(TTL - Duration::from_millis(1));
        assert_eq!(ask(&memory, &clock, 1, 8).await, 7);
        assert_eq!(ask(&memory, &clock, 2, 8).await, 8);
        clock.advance(Duration::from_millis(1));
        assert_eq!(ask(&memory, &clock, 1, 8).await, 8);
        memory.forget(|answer| *answer == 7);
        assert_eq!(ask(&memory, &clock, 1, 9).await, 8);
        memory.forget(|answer| *answer == 8);
        assert_eq!(ask(&memory, &clock, 1, 9).await, 9);
    }

    #[tokio::test]
    async fn of_two_who_want_to_know_the_same_one_asks() {
        let (memory, clock) = (Memory::new(10), SetClock::default());
        let asked = Cell::new(0);
        let one = || {
            memory.get_or(&clock, clock.now(), &1, TTL, async {
                asked.set(asked.get() + 1);
                clock.sleep(Duration::from_millis(1)).await;
                Ok::<_, Infallible>(7)
            })
        };
        let both = join(one(), one());
        pin_mut!(both);
        assert!(poll!(&mut both).is_pending());
        clock.advance(FIRST_PAUSE);
        assert_eq!(both.await, (Ok(7), Ok(7)));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn who_asks_and_fails_or_leaves_makes_way_for_the_next() {
        let (memory, clock) = (Memory::new(10), SetClock::default());
        assert_eq!(memory.get_or(&clock, clock.now(), &1, TTL, async { Err("failed") }).await, Err("failed"));
        assert!(
            memory
                .get_or(&clock, clock.now(), &1, TTL, std::future::pending::<Result<u8, ()>>())
                .now_or_never()
                .is_none()
        );
        assert_eq!(ask(&memory, &clock, 1, 7).await, 7);
    }

    #[tokio::test]
    async fn who_waits_asks_after_a_while_and_with_patience_never() {
        let clock = SetClock::default();
        for (memory, has_asked) in [(Memory::new(1), true), (Memory::new(1).patient(), false)] {
            let first = memory.get_or(&clock, clock.now(), &1, TTL, std::future::pending::<Result<u8, Infallible>>());
            pin_mut!(first);
            assert!(poll!(&mut first).is_pending());
            let second = memory.get_or(&clock, clock.now(), &1, TTL, async { Ok::<u8, Infallible>(7) });
            pin_mut!(second);
            let mut answer = poll!(&mut second);
            for _ in 0..LOOKS {
                clock.advance(LONGEST_PAUSE);
                if answer.is_pending() {
                    answer = poll!(&mut second);
                }
            }
            assert_eq!(answer.is_ready(), has_asked);
        }
    }

    #[tokio::test]
    async fn an_answer_that_was_forgotten_while_it_was_on_its_way_is_not_kept() {
        let (memory, clock) = (Memory::new(10), SetClock::default());
        let late = memory.get_or(&clock, clock.now(), &1, TTL, async {
            memory.forget(|_| false);
            Ok::<_, Infallible>(7)
        });
        assert_eq!(late.await, Ok(7));
        assert_eq!(ask(&memory, &clock, 1, 8).await, 8);
    }

    #[tokio::test]
    async fn questions_without_an_answer_drive_out_nothing() {
        let (memory, clock) = (Memory::new(2), SetClock::default());
        ask(&memory, &clock, 1, 1).await;
        ask(&memory, &clock, 2, 2).await;
        for key in 10..100 {
            let failed = memory.get_or(&clock, clock.now(), &key, TTL, async { Err::<u8, _>("forged") }).await;
            assert_eq!(failed, Err("forged"));
        }
        assert_eq!((ask(&memory, &clock, 1, 8).await, ask(&memory, &clock, 2, 8).await), (1, 2));
    }

    #[tokio::test]
    async fn in_a_full_memory_the_answer_that_is_good_for_least_makes_way() {
        let (memory, clock) = (Memory::new(2), SetClock::default());
        ask(&memory, &clock, 1, 1).await;
        clock.advance(Duration::from_secs(1));
        ask(&memory, &clock, 2, 2).await;
        ask(&memory, &clock, 3, 3).await;
        assert_eq!((ask(&memory, &clock, 2, 8).await, ask(&memory, &clock, 3, 8).await), (2, 3));
    }

    #[tokio::test]
    async fn a_memory_does_not_outgrow_its_capacity() {
        let (memory, clock) = (Memory::new(10), SetClock::default());
        for key in 0..100 {
            ask(&memory, &clock, key, key).await;
            assert!(memory.entries().len() <= 10);
        }
    }
}
