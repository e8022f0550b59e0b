//! Databases, connections and statements.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection as Sqlite, Row, params_from_iter};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::sleep;

use crate::bindings::sqlite::{Error, QueryResult, RowResult, Value};
use crate::factors::stream::CAPACITY;
use crate::factors::{MAX_BUFFERED_BYTES, too_large};
use crate::strict::HANG;

/// Where a database is: a file, or memory of its own for each connection.
#[derive(Clone)]
pub(super) struct Location {
    path: Option<PathBuf>,
    allow_attach_file: bool,
}

/// A connection that is opened by its first statement. The lock is held while a statement runs, until its rows are read.
#[derive(Clone)]
pub(crate) struct SharedConnection(Arc<(Location, OnceLock<Mutex<Sqlite>>)>);

type Started = (Vec<String>, mpsc::Receiver<RowResult>, oneshot::Receiver<Result<(), Error>>);

impl Location {
    pub(super) fn new(path: Option<PathBuf>, allow_attach_file: bool) -> Result<Self> {
        if let Some(parent) = path.as_deref().and_then(|path| path.parent()) {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        Ok(Self { path, allow_attach_file })
    }

    fn connect(&self) -> rusqlite::Result<Sqlite> {
        let connection = match &self.path {
            Some(path) => Sqlite::open(path)?,
            None => Sqlite::open_in_memory()?,
        };
        if !self.allow_attach_file {
            connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
                AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => Authorization::Deny,
                _ => Authorization::Allow,
            }));
        }
        Ok(connection)
    }
}

impl SharedConnection {
    pub(super) fn new(location: Location) -> Self {
        Self(Arc::new((location, OnceLock::new())))
    }

    fn lock(&self) -> Result<impl std::ops::Deref<Target = Sqlite> + '_, Error> {
        let connection = match self.0.1.get() {
            Some(connection) => connection,
            None => {
                let new = self.0.0.connect().map_err(io)?;
                self.0.1.get_or_init(|| Mutex::new(new))
            }
        };
        Ok(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until no statement runs, for as long as the strict mode has patience.
    pub(super) async fn becomes_free(&self) -> bool {
        let deadline = Instant::now() + HANG;
        while self.0.1.get().is_some_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock))) {
            if Instant::now() > deadline {
                return false;
            }
            sleep(Duration::from_millis(1)).await;
        }
        true
    }

    /// Starts a statement. Its columns come at once; what it fails with comes only through the last part.
    pub(super) async fn query(&self, text: String, parameters: Vec<Value>) -> Result<Started, Error> {
        let (columns_tx, columns) = oneshot::channel();
        let (rows_tx, rows) = mpsc::channel(CAPACITY);
        let (result_tx, result) = oneshot::channel();
        let connection = self.clone();
        spawn_blocking(move || {
            let sent = connection.send_rows(&text, parameters, columns_tx, &rows_tx);
            // The result must not wait for a reader of rows that will never come.
            drop(rows_tx);
            // Nobody to tell when the component has dropped the future.
            let _ = result_tx.send(sent);
        });
        let columns = columns.await.map_err(|error| Error::Io(error.to_string()))?;
        Ok((columns, rows, result))
    }

    fn send_rows(
        &self,
        text: &str,
        parameters: Vec<Value>,
        columns: oneshot::Sender<Vec<String>>,
        rows_tx: &mpsc::Sender<RowResult>,
    ) -> Result<(), Error> {
        let connection = self.lock();
        let prepared = connection.as_ref().map_err(Clone::clone).and_then(|c| c.prepare_cached(text).map_err(io));
        let mut statement = match prepared {
            Ok(statement) => statement,
            Err(error) => {
                // As in Spin a statement that cannot be prepared has no columns, and its error is in the result.
                let _ = columns.send(Vec::new());
                return Err(error);
            }
        };
        columns.send(names(&statement)).map_err(|_| Error::Io("column send error".to_owned()))?;
        let mut rows = statement.query(params_from_iter(parameters.into_iter().map(to_sqlite))).map_err(io)?;
        while let Some(next) = rows.next().map_err(io)? {
            let (row, size) = row(next).map_err(io)?;
            if size > MAX_BUFFERED_BYTES {
                return Err(Error::Io(too_large()));
            }
            rows_tx.blocking_send(row).map_err(|_| Error::Io("row send error".to_owned()))?;
        }
        Ok(())
    }

    /// Runs a statement and collects its rows.
    pub(super) async fn query_all(&self, text: String, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        let connection = self.clone();
        let collect = move || {
            let connection = connection.lock()?;
            let mut statement = connection.prepare_cached(&text).map_err(io)?;
            let columns = names(&statement);
            let mut found = statement.query(params_from_iter(parameters.into_iter().map(to_sqlite))).map_err(io)?;
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while let Some(next) = found.next().map_err(io)? {
                let (row, size) = row(next).map_err(io)?;
                bytes += size;
                if bytes > MAX_BUFFERED_BYTES {
                    return Err(Error::Io(too_large()));
                }
                rows.push(row);
            }
            Ok(QueryResult { columns, rows })
        };
        spawn_blocking(collect).await.map_err(|_| Error::Io("internal runtime error".to_owned()))?
    }

    pub(super) fn changes(&self) -> Result<u64, Error> {
        block_in_place(|| self.lock().map(|connection| connection.changes()))
    }

    pub(super) fn last_insert_rowid(&self) -> Result<i64, Error> {
        block_in_place(|| self.lock().map(|connection| connection.last_insert_rowid()))
    }
}

fn names(statement: &CachedStatement<'_>) -> Vec<String> {
    statement.column_names().into_iter().map(str::to_owned).collect()
}

/// Converts a row and says how many bytes it holds, roughly.
fn row(row: &Row<'_>) -> rusqlite::Result<(RowResult, usize)> {
    let mut size = 0;
    let values = (0..row.as_ref().column_count()).map(|index| {
        let value = row.get_ref(index)?;
        size += size_of::<Value>() + value.as_bytes().map_or(0, <[u8]>::len);
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(v) => Value::Integer(v),
            ValueRef::Real(v) => Value::Real(v),
            ValueRef::Text(v) => Value::Text(std::str::from_utf8(v)?.to_owned()),
            ValueRef::Blob(v) => Value::Blob(v.to_owned()),
        })
    });
    let values = values.collect::<rusqlite::Result<_>>()?;
    Ok((RowResult { values }, size))
}

fn to_sqlite(value: Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(v) => rusqlite::types::Value::Integer(v),
        Value::Real(v) => rusqlite::types::Value::Real(v),
        Value::Text(v) => rusqlite::types::Value::Text(v),
        Value::Blob(v) => rusqlite::types::Value::Blob(v),
    }
}

fn io(error: rusqlite::Error) -> Error {
    Error::Io(error.to_string())
}
