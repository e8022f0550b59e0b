//! Values that may be lost at any time: Spin's key-value store behind an in-instance layer.

#[cfg(any(test, target_family = "wasm"))]
mod layered;

use std::{fmt::Display, time::Duration};

use async_trait::async_trait;
use ids::WorkspaceId;

#[cfg(target_family = "wasm")]
pub(crate) use self::layered::{KeyValue, LayeredCache};

/// Why the cache did not work. A caller goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("the cache is not available: {reason}")]
pub struct CacheError {
    /// What the host said.
    pub reason: String,
}

/// Where a value is kept: always below one workspace, so that tenants cannot meet in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key `name` of `kind` in `workspace`. `kind` is a constant of the capability that owns the value.
    pub fn new(workspace: WorkspaceId, kind: &'static str, name: impl Display) -> Self {
        Self(format!("cache/{workspace}/{kind}/{name}"))
    }

    /// The key as the store sees it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cache. Values carry their own expiry, which the store knows nothing of.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value at `key`, unless it has expired or was lost.
    async fn get(&self, key: &CacheKey) -> Result<Option<Vec<u8>>, CacheError>;

    /// Keeps `value` for `ttl`. Returns at once: the store is written after the response, off the hot path.
    fn put(&self, key: CacheKey, value: Vec<u8>, ttl: Duration);

    /// Forgets the value at `key` everywhere but in the memory of other instances.
    async fn remove(&self, key: &CacheKey) -> Result<(), CacheError>;
}
