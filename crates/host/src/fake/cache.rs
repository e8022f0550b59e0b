//! A cache in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ids::Timestamp;

use crate::{Cache, CacheError, CacheKey, Clock};

/// A cache in memory that forgets by the clock it is given.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    values: Mutex<HashMap<CacheKey, (Timestamp, Vec<u8>)>>,
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, values: Mutex::default() }
    }

    /// Forgets everything, as a store may at any time.
    pub fn lose_everything(&self) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Vec<u8>>, CacheError> {
        let now = self.clock.now();
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(values.get(key).filter(|(expires_at, _)| *expires_at > now).map(|(_, value)| value.clone()))
    }

    fn put(&self, key: CacheKey, value: Vec<u8>, ttl: Duration) {
        let expires_at = self.clock.now() + ttl;
        self.values.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (expires_at, value));
    }

    async fn remove(&self, key: &CacheKey) -> Result<(), CacheError> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        Ok(())
    }
}
