//! The cache: a bounded layer in the memory of the instance, in front of a key-value store.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ids::Timestamp;
use lru::LruCache;

use super::{Cache, CacheError, CacheKey};
use crate::{Clock, Tasks};

/// A store of bytes without expiry. What fails is only the cache, so there is one error.
#[async_trait]
pub(crate) trait KeyValue: Send + Sync + 'static {
    /// The value at `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError>;

    /// Keeps `value` at `key`.
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), CacheError>;

    /// Forgets the value at `key`.
    async fn delete(&self, key: &str) -> Result<(), CacheError>;
}

/// How many values the memory layer holds, how large one may be, and how many bytes they are together.
const ENTRIES: NonZeroUsize = NonZeroUsize::new(2048).expect("it is not zero");
const LARGEST: usize = 256 << 10;
const BYTES: usize = 8 << 20;

/// [`Cache`] above a [`KeyValue`] store. A stored value is its expiry (milliseconds, 8 bytes, little-endian) and then the
/// value itself; an expired one is deleted by whoever finds it.
pub(crate) struct LayeredCache<S> {
    shared: Arc<Shared<S>>,
    tasks: Arc<dyn Tasks>,
}

struct Shared<S> {
    store: S,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

struct Memory {
    entries: LruCache<CacheKey, Entry>,
    bytes: usize,
    puts: u64,
}

struct Entry {
    expires_at: Timestamp,
    value: Vec<u8>,
    /// Which `put` made it; 0 for what was read from the store.
    put: u64,
}

impl<S: KeyValue> LayeredCache<S> {
    pub(crate) fn new(store: S, clock: Arc<dyn Clock>, tasks: Arc<dyn Tasks>) -> Self {
        let memory = Mutex::new(Memory { entries: LruCache::new(ENTRIES), bytes: 0, puts: 0 });
        Self { shared: Arc::new(Shared { store, clock, memory }), tasks }
    }

    fn delete_later(&self, key: CacheKey) {
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(Box::pin(async move {
            if let Err(error) = shared.store.delete(key.as_str()).await {
                tracing::debug!(%error, "an expired value stays in the store");
            }
        }));
    }
}

impl<S> Shared<S> {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn insert(&mut self, key: CacheKey, entry: Entry) {
        self.remove(&key);
        if entry.value.len() > LARGEST {
            return;
        }
        self.bytes += entry.value.len();
        if let Some((_, oldest)) = self.entries.push(key, entry) {
            self.bytes -= oldest.value.len();
        }
        while self.bytes > BYTES {
            let Some((_, oldest)) = self.entries.pop_lru() else { break };
            self.bytes -= oldest.value.len();
        }
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= entry.value.len();
        }
    }

    fn get(&mut self, key: &CacheKey, now: Timestamp) -> Option<Vec<u8>> {
        let entry = self.entries.get(key)?;
        if entry.expires_at > now {
            return Some(entry.value.clone());
        }
        self.remove(key);
        None
    }
}

#[async_trait]
impl<S: KeyValue> Cache for LayeredCache<S> {
    async fn get(&self, key: &CacheKey) -> Result<Option<Vec<u8>>, CacheError> {
        let now = self.shared.clock.now();
        if let Some(value) = self.shared.memory().get(key, now) {
            return Ok(Some(value));
        }
        let puts = self.shared.memory().puts;
        let Some(stored) = self.shared.store.get(key.as_str()).await? else { return Ok(None) };
        match decode(&stored) {
            Some((expires_at, value)) if expires_at > now => {
                let mut memory = self.shared.memory();
                // A put or remove since then knows better than what was read before it.
                if memory.puts == puts {
                    memory.insert(key.clone(), Entry { expires_at, value: value.to_vec(), put: 0 });
                }
                Ok(Some(value.to_vec()))
            }
            _ => {
                self.delete_later(key.clone());
                Ok(None)
            }
        }
    }

    fn put(&self, key: CacheKey, value: Vec<u8>, ttl: Duration) {
        let expires_at = self.shared.clock.now() + ttl;
        let stored = encode(expires_at, &value);
        let put = {
            let mut memory = self.shared.memory();
            memory.puts += 1;
            let put = memory.puts;
            memory.insert(key.clone(), Entry { expires_at, value, put });
            put
        };
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(Box::pin(async move {
            // Overtaken by another put or a remove: writing now would bring back what is gone.
            let is_current = {
                let memory = shared.memory();
                memory.puts == put || memory.entries.peek(&key).is_some_and(|entry| entry.put == put)
            };
            if !is_current {
                return;
            }
            if let Err(error) = shared.store.set(key.as_str(), stored).await {
                tracing::debug!(%error, "a value was not cached");
            }
        }));
    }

    async fn remove(&self, key: &CacheKey) -> Result<(), CacheError> {
        {
            let mut memory = self.shared.memory();
            memory.puts += 1;
            memory.remove(key);
        }
        self.shared.store.delete(key.as_str()).await
    }
}

fn encode(expires_at: Timestamp, value: &[u8]) -> Vec<u8> {
    [&expires_at.as_millis().to_le_bytes(), value].concat()
}

fn decode(stored: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (expires_at, value) = stored.split_first_chunk()?;
    Some((Timestamp::from_millis(i64::from_le_bytes(*expires_at)), value))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use ids::WorkspaceId;

    use super::*;
    use crate::fake::{QueuedTasks, SetClock};

    #[derive(Clone, Default)]
    struct Store(Arc<Mutex<HashMap<String, Vec<u8>>>>);

    #[async_trait]
    impl KeyValue for Store {
        async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
            Ok(self.0.lock().unwrap().get(key).cloned())
        }

        async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), CacheError> {
            self.0.lock().unwrap().insert(key.to_owned(), value);
            Ok(())
        }

        async fn delete(&self, key: &str) -> Result<(), CacheError> {
            self.0.lock().unwrap().remove(key);
            Ok(())
        }
    }

    struct Instance {
        cache: LayeredCache<Store>,
        tasks: Arc<QueuedTasks>,
    }

    fn instance(store: &Store, clock: &Arc<SetClock>) -> Instance {
        let tasks = Arc::new(QueuedTasks::default());
        let cache = LayeredCache::new(store.clone(), clock.clone(), tasks.clone());
        Instance { cache, tasks }
    }

    fn key(name: &str) -> CacheKey {
        CacheKey::new(ids::Id::new(Timestamp::from_millis(0), [0; 10]), "test", name)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_value_is_there_at_once_here_and_after_the_response_elsewhere() {
        let (store, clock) = (Store::default(), Arc::new(SetClock::default()));
        let (here, there) = (instance(&store, &clock), instance(&store, &clock));
        here.cache.put(key("a"), b"1".to_vec(), MINUTE);
        assert_eq!(here.cache.get(&key("a")).await.unwrap().unwrap(), b"1");
        assert!(there.cache.get(&key("a")).await.unwrap().is_none());
        here.tasks.run().await;
        assert_eq!(there.cache.get(&key("a")).await.unwrap().unwrap(), b"1");
    }

    #[tokio::test]
    async fn an_expired_value_is_gone_from_both_layers() {
        let (store, clock) = (Store::default(), Arc::new(SetClock::default()));
        let (here, there) = (instance(&store, &clock), instance(&store, &clock));
        here.cache.put(key("a"), b"1".to_vec(), MINUTE);
        here.tasks.run().await;
        clock.advance(MINUTE);
        assert!(here.cache.get(&key("a")).await.unwrap().is_none());
        assert!(there.cache.get(&key("a")).await.unwrap().is_none());
        there.tasks.run().await;
        assert!(store.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_value_that_was_removed_before_it_was_written_does_not_come_back() {
        let (store, clock) = (Store::default(), Arc::new(SetClock::default()));
        let here = instance(&store, &clock);
        here.cache.put(key("a"), b"1".to_vec(), MINUTE);
        here.cache.remove(&key("a")).await.unwrap();
        here.tasks.run().await;
        assert!(store.0.lock().unwrap().is_empty());
        assert!(here.cache.get(&key("a")).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn memory_stays_bounded_and_forgets_what_was_not_used() {
        let (store, clock) = (Store::default(), Arc::new(SetClock::default()));
        let here = instance(&store, &clock);
        for number in 0..100 {
            here.cache.put(key(&number.to_string()), vec![0; LARGEST], MINUTE);
        }
        here.cache.put(key("huge"), vec![0; LARGEST + 1], MINUTE);
        let memory = here.cache.shared.memory();
        assert_eq!(memory.bytes, BYTES);
        assert_eq!(memory.entries.len(), BYTES / LARGEST);
        assert!(memory.entries.contains(&key("99")));
    }

    #[tokio::test]
    async fn what_others_left_in_the_store_is_no_value() {
        let (store, clock) = (Store::default(), Arc::new(SetClock::default()));
        let here = instance(&store, &clock);
        store.0.lock().unwrap().insert(key("a").as_str().to_owned(), b"short".to_vec());
        assert!(here.cache.get(&key("a")).await.unwrap().is_none());
    }

    #[test]
    fn two_workspaces_never_share_a_key() {
        let other: WorkspaceId = ids::Id::new(Timestamp::from_millis(0), [1; 10]);
        assert_ne!(key("a"), CacheKey::new(other, "test", "a"));
    }
}
