//! `spin:key-value`, on SQLite or Redis.

mod redis;
mod sqlite;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::MAX_HANDLES;
use super::stream::Channel;
use crate::bindings::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::instance::Guest;
use crate::runtime_config::KeyValueStore;

/// The file of the default store, as Spin names it.
const DEFAULT_FILE: &str = "sqlite_key_value.db";

type Keys = (mpsc::Receiver<String>, oneshot::Receiver<Result<(), Error>>);

/// An open store: what a component's handle stands for.
#[derive(Clone)]
pub(crate) struct Store {
    label: Arc<str>,
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Database>),
    Redis(Arc<redis::Server>),
}

/// All stores of the application by label.
pub(crate) struct Stores(HashMap<String, Backend>);

impl Stores {
    /// The stores of the runtime configuration, and `default` in the state directory (or in memory without one).
    pub(crate) fn new<'a>(
        configured: impl IntoIterator<Item = (&'a String, &'a KeyValueStore)>,
        state_dir: Option<&Path>,
    ) -> Result<Self> {
        let default = sqlite::Database::new(state_dir.map(|dir| dir.join(DEFAULT_FILE)))?;
        let mut stores = HashMap::from([("default".to_owned(), Backend::Sqlite(Arc::new(default)))]);
        for (label, store) in configured {
            let backend = match store {
                KeyValueStore::Spin { path } => Backend::Sqlite(Arc::new(sqlite::Database::new(path.clone())?)),
                KeyValueStore::Redis { url } => Backend::Redis(Arc::new(redis::Server::new(url)?)),
            };
            stores.insert(label.clone(), backend);
        }
        Ok(Self(stores))
    }

    /// Checks at the start that a component's stores are there.
    pub(crate) fn ensure_known(&self, component: &str, labels: &[String]) -> Result<()> {
        for label in labels {
            ensure!(
                self.0.contains_key(label),
                "component `{component}` uses the key-value store `{label}`, which the runtime configuration lacks"
            );
        }
        Ok(())
    }
}

impl Store {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match &self.backend {
            Backend::Sqlite(database) => database.get(&self.label, key),
            Backend::Redis(server) => server.get(key).await,
        }
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        match &self.backend {
            Backend::Sqlite(database) => database.set(&self.label, key, value),
            Backend::Redis(server) => server.set(key, value).await,
        }
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        match &self.backend {
            Backend::Sqlite(database) => database.delete(&self.label, key),
            Backend::Redis(server) => server.delete(key).await,
        }
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        match &self.backend {
            Backend::Sqlite(database) => database.get(&self.label, key).map(|value| value.is_some()),
            Backend::Redis(server) => server.exists(key).await,
        }
    }

    fn keys(&self) -> Keys {
        match &self.backend {
            Backend::Sqlite(database) => database.clone().keys(self.label.clone()),
            Backend::Redis(server) => server.clone().keys(),
        }
    }
}

/// Finds the store of a handle and begins a host call.
async fn store<T: 'static>(accessor: &Accessor<T, HasSelf<Guest>>, handle: &Resource<Store>) -> Result<Store, Error> {
    super::begin(accessor).await;
    let found = accessor.with(|mut access| access.get().key_value.get(handle).cloned());
    found.map_err(|_| Error::NoSuchStore)
}

impl Host for Guest {}

impl HostStore for Guest {
    async fn drop(&mut self, handle: Resource<Store>) -> wasmtime::Result<()> {
        self.key_value.delete(handle)?;
        Ok(())
    }
}

impl<T: 'static> HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> wasmtime::Result<Result<Resource<Store>, Error>> {
        let around = super::begin(accessor).await;
        if !around.component.key_value_stores.contains(&label) {
            return Ok(Err(Error::AccessDenied));
        }
        let Some(backend) = around.host.stores.0.get(&label).cloned() else { return Ok(Err(Error::NoSuchStore)) };
        let opened = match &backend {
            Backend::Sqlite(database) => database.open(),
            Backend::Redis(server) => server.open().await,
        };
        if let Err(error) = opened {
            return Ok(Err(error));
        }
        accessor.with(|mut access| {
            let table = &mut access.get().key_value;
            if table.iter_mut().count() >= MAX_HANDLES {
                return Ok(Err(Error::StoreTableFull));
            }
            Ok(Ok(table.push(Store { label: label.into(), backend })?))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(match store(accessor, &handle).await {
            Ok(store) => store.get(&key).await,
            Err(error) => Err(error),
        })
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(match store(accessor, &handle).await {
            Ok(store) => store.set(&key, &value).await,
            Err(error) => Err(error),
        })
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(match store(accessor, &handle).await {
            Ok(store) => store.delete(&key).await,
            Err(error) => Err(error),
        })
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        Ok(match store(accessor, &handle).await {
            Ok(store) => store.exists(&key).await,
            Err(error) => Err(error),
        })
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, result) = store(accessor, &handle).await?.keys();
        accessor.with(|mut access| {
            Ok((StreamReader::new(&mut access, Channel(keys))?, FutureReader::new(&mut access, result)?))
        })
    }
}
