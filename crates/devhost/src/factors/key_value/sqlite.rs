//! Key-value stores in one SQLite file, in the table that Spin uses.
//!
//! Like Spin's: one connection for the whole process behind a lock, rollback journal and full synchronisation, so that a
//! write costs an fsync and writes wait for each other (`docs/spin.md#key-value`).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{block_in_place, spawn_blocking};

use super::Keys;
use crate::bindings::key_value::Error;
use crate::factors::stream::CAPACITY;
use crate::factors::{MAX_BUFFERED_BYTES, too_large};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
)";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = ?3";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1";

/// One file, or memory; opened when it is first used.
pub(super) struct Database {
    path: Option<PathBuf>,
    connection: OnceLock<Mutex<Connection>>,
}

impl Database {
    pub(super) fn new(path: Option<PathBuf>) -> Result<Self> {
        if let Some(parent) = path.as_deref().and_then(|path| path.parent()) {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        Ok(Self { path, connection: OnceLock::new() })
    }

    pub(super) fn open(&self) -> Result<(), Error> {
        block_in_place(|| self.connection().map(drop))
    }

    pub(super) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let value: Option<Vec<u8>> = block_in_place(|| {
            let connection = self.connection()?;
            let mut statement = connection.prepare_cached(GET).map_err(other)?;
            statement.query_row([store, key], |row| row.get(0)).optional().map_err(other)
        })?;
        match value {
            Some(value) if value.len() > MAX_BUFFERED_BYTES => Err(Error::Other(too_large())),
            value => Ok(value),
        }
    }

    pub(super) fn set(&self, store: &str, key: &str, value: &[u8]) -> Result<(), Error> {
        block_in_place(|| {
            let connection = self.connection()?;
            let mut statement = connection.prepare_cached(SET).map_err(other)?;
            statement.execute((store, key, value)).map(drop).map_err(other)
        })
    }

    pub(super) fn delete(&self, store: &str, key: &str) -> Result<(), Error> {
        block_in_place(|| {
            let connection = self.connection()?;
            let mut statement = connection.prepare_cached(DELETE).map_err(other)?;
            statement.execute((store, key)).map(drop).map_err(other)
        })
    }

    /// Streams the keys. As in Spin, the lock is held until the reader has them all or goes away.
    pub(super) fn keys(self: Arc<Self>, store: Arc<str>) -> Keys {
        let (keys_tx, keys) = mpsc::channel(CAPACITY);
        let (result_tx, result) = oneshot::channel();
        let send_all = move || -> Result<(), Error> {
            let connection = self.connection()?;
            let mut statement = connection.prepare_cached(KEYS).map_err(other)?;
            let mut rows = statement.query([&*store]).map_err(other)?;
            while let Some(row) = rows.next().map_err(other)? {
                keys_tx.blocking_send(row.get(0).map_err(other)?).map_err(other)?;
            }
            Ok(())
        };
        spawn_blocking(move || result_tx.send(send_all()));
        (keys, result)
    }

    fn connection(&self) -> Result<MutexGuard<'_, Connection>, Error> {
        let connection = match self.connection.get() {
            Some(connection) => connection,
            None => {
                let new = self.connect().map_err(other)?;
                self.connection.get_or_init(|| Mutex::new(new))
            }
        };
        // A panic while the lock is held is a defect of the devhost, not of the data behind it.
        Ok(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = match &self.path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute(CREATE, [])?;
        Ok(connection)
    }
}

fn other(error: impl std::fmt::Debug) -> Error {
    Error::Other(format!("{error:?}"))
}
