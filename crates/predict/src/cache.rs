//! Answers that are known already.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::lm::{LmRequest, LmResponse};
use crate::python::json;

/// Where answers are kept. It is an argument of a run, so what it is scoped to (a workspace, a process, a test) is its
/// owner's decision; a cache that fails is a cache that does not know.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The answer under `key`, if it is known.
    async fn get(&self, key: &CacheKey) -> Option<LmResponse>;

    /// Keeps an answer.
    async fn put(&self, key: &CacheKey, response: &LmResponse);
}

/// A request in 64 hexadecimal digits: SHA-256 over the model and everything in the request that may change the answer,
/// the rollout id included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key of a request to `model`.
    #[must_use]
    pub fn of(model: &str, request: &LmRequest) -> Self {
        let mut hash = Sha256::new();
        hash.update((model.len() as u64).to_le_bytes());
        hash.update(model.as_bytes());
        hash.update(json::dumps_compact(&request.to_value()).as_bytes());
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cache in memory that forgets what was least recently used.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
///
/// use predict::{Context, MemoryCache, Module, Predict, ScriptedLm, map};
///
/// let lm = Arc::new(ScriptedLm::texts(["[[ ## answer ## ]]\n4"]));
/// let cache = Arc::new(MemoryCache::new(NonZeroUsize::new(1000).ok_or("a cache holds something")?));
/// let cx = Context::new(lm.clone()).with_cache(cache);
/// let qa = Predict::new("question -> answer")?;
/// for _ in 0..3 {
///     futures::executor::block_on(qa.forward(map! {"question" => "2+2?"}, &cx))?;
/// }
/// assert_eq!(lm.requests().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryCache(Mutex<LruCache<CacheKey, LmResponse>>);

impl MemoryCache {
    /// A cache of at most `capacity` answers.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(capacity)))
    }

    /// How many answers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers().len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn answers(&self) -> MutexGuard<'_, LruCache<CacheKey, LmResponse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &CacheKey) -> Option<LmResponse> {
        self.answers().get(key).cloned()
    }

    async fn put(&self, key: &CacheKey, response: &LmResponse) {
        self.answers().put(key.clone(), response.clone());
    }
}
