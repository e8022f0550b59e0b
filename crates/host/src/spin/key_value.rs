//! The key-value store that `spin.toml` calls `default`.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use send_wrapper::SendWrapper;
use spin_sdk::key_value::{Error, Store};

use crate::{CacheError, cache::KeyValue};

/// The store, opened by its first user.
#[derive(Default)]
pub(super) struct SpinStore {
    opened: Mutex<Option<Arc<SendWrapper<Store>>>>,
}

impl SpinStore {
    async fn store(&self) -> Result<Arc<SendWrapper<Store>>, CacheError> {
        if let Some(store) = &*self.opened.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(store));
        }
        let store = SendWrapper::new(Store::open_default()).await.map_err(to_error)?;
        let store = Arc::new(SendWrapper::new(store));
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(opened.get_or_insert(store)))
    }
}

#[async_trait]
impl KeyValue for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let store = self.store().await?;
        SendWrapper::new(store.get(key)).await.map_err(to_error)
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), CacheError> {
        let store = self.store().await?;
        SendWrapper::new(store.set(key, value)).await.map_err(to_error)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        let store = self.store().await?;
        SendWrapper::new(store.delete(key)).await.map_err(to_error)
    }
}

fn to_error(error: Error) -> CacheError {
    CacheError { reason: error.to_string() }
}
