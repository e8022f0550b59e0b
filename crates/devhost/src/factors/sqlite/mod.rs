//! `spin:sqlite`, in process (`docs/spin.md#sqlite`).

mod database;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use wasmtime::bail;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::MAX_HANDLES;
use super::stream::Channel;
use crate::bindings::sqlite::{Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value};
use crate::instance::Guest;
use crate::runtime_config::SqliteDatabase;
use database::Location;

pub(crate) use database::SharedConnection;

/// The file of the default database, as Spin names it.
const DEFAULT_FILE: &str = "sqlite_db.db";

/// What a component's handle stands for: a connection of its own.
pub(crate) struct Connection(SharedConnection);

type Rows = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

/// All databases of the application by label.
pub(crate) struct Databases(HashMap<String, Location>);

impl Databases {
    /// The databases of the runtime configuration, and `default` in the state directory. Without a state directory every
    /// connection to `default` has an empty database of its own, as in Spin.
    pub(crate) fn new<'a>(
        configured: impl IntoIterator<Item = (&'a String, &'a SqliteDatabase)>,
        state_dir: Option<&Path>,
    ) -> Result<Self> {
        let default = Location::new(state_dir.map(|dir| dir.join(DEFAULT_FILE)), false)?;
        let mut databases = HashMap::from([("default".to_owned(), default)]);
        for (label, SqliteDatabase::Spin { path, allow_attach_file }) in configured {
            databases.insert(label.clone(), Location::new(path.clone(), *allow_attach_file)?);
        }
        Ok(Self(databases))
    }

    /// Checks at the start that a component's databases are there.
    pub(crate) fn ensure_known(&self, component: &str, labels: &[String]) -> Result<()> {
        for label in labels {
            ensure!(
                self.0.contains_key(label),
                "component `{component}` uses the SQLite database `{label}`, which the runtime configuration lacks"
            );
        }
        Ok(())
    }
}

impl Guest {
    fn open_database(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        if !self.around.component.sqlite_databases.contains(label) {
            return Ok(Err(Error::AccessDenied));
        }
        let Some(location) = self.around.host.databases.0.get(label) else { return Ok(Err(Error::NoSuchDatabase)) };
        if self.sqlite.iter_mut().count() >= MAX_HANDLES {
            return Ok(Err(Error::Io("too many connections opened".to_owned())));
        }
        let connection = Connection(SharedConnection::new(location.clone()));
        Ok(Ok(self.sqlite.push(connection)?))
    }

    fn database(&self, handle: &Resource<Connection>) -> Result<SharedConnection, Error> {
        self.sqlite.get(handle).map(|connection| connection.0.clone()).map_err(|_| Error::InvalidConnection)
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, label: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        self.around.host.faults.delay().await;
        self.open_database(&label)
    }

    async fn execute(
        &mut self,
        handle: Resource<Connection>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        self.around.host.faults.delay().await;
        Ok(match self.database(&handle) {
            Ok(connection) => connection.query_all(text, parameters).await,
            Err(error) => Err(error),
        })
    }

    async fn last_insert_rowid(&mut self, handle: Resource<Connection>) -> wasmtime::Result<i64> {
        self.database(&handle)?.last_insert_rowid().map_err(Into::into)
    }

    async fn changes(&mut self, handle: Resource<Connection>) -> wasmtime::Result<u64> {
        self.database(&handle)?.changes().map_err(Into::into)
    }

    async fn drop(&mut self, handle: Resource<Connection>) -> wasmtime::Result<()> {
        self.sqlite.delete(handle)?;
        Ok(())
    }
}

/// Finds the connection of a handle, and in the strict mode waits until it is free, so that a wait without end is found.
async fn connection<T: 'static>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    handle: &Resource<Connection>,
) -> wasmtime::Result<Result<Arc<SharedConnection>, Error>> {
    let around = super::begin(accessor).await;
    let connection = match accessor.with(|mut access| access.get().database(handle)) {
        Ok(connection) => connection,
        Err(error) => return Ok(Err(error)),
    };
    if around.host.strict.is_on() && !connection.becomes_free().await {
        bail!(
            "a statement waits for a SQLite connection whose rows nobody reads; Spin would hang (docs/spin.md#unread-rows)"
        );
    }
    Ok(Ok(Arc::new(connection)))
}

impl<T: 'static> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        super::begin(accessor).await;
        accessor.with(|mut access| access.get().open_database(&label))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<Connection>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Rows, Error>> {
        let started = match connection(accessor, &handle).await? {
            Ok(connection) => connection.query(text, parameters).await,
            Err(error) => Err(error),
        };
        let (columns, rows, result) = match started {
            Ok(started) => started,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, Channel(rows))?;
            Ok(Ok((columns, rows, FutureReader::new(&mut access, result)?)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        connection(accessor, &handle).await??.last_insert_rowid().map_err(Into::into)
    }

    async fn changes_async(accessor: &Accessor<T, Self>, handle: Resource<Connection>) -> wasmtime::Result<u64> {
        connection(accessor, &handle).await??.changes().map_err(Into::into)
    }
}
