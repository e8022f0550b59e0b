//! SQLite through rusqlite.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use rusqlite::{Connection, Statement, types};

use crate::sql::{Dialect, Driver, Refusal, Row, Session, SqlError, Synchronous, Value, sqlite};

/// The database in one file.
pub(super) struct SqliteFile {
    path: PathBuf,
}

impl SqliteFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

/// A connection, used by one blocking thread at a time.
pub(super) struct SqliteSession(Arc<Mutex<Connection>>);

#[async_trait]
impl Driver for SqliteFile {
    type Session = SqliteSession;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn greeting(&self) -> &'static [&'static str] {
        sqlite::greeting(Synchronous::Full)
    }

    async fn connect(&self) -> Result<SqliteSession, Refusal> {
        let path = self.path.clone();
        let opened = blocking(move || Connection::open(path).map_err(to_error)).await.map_err(Refusal::Failed)?;
        opened.set_prepared_statement_cache_capacity(128);
        Ok(SqliteSession(Arc::new(Mutex::new(opened))))
    }
}

impl SqliteSession {
    async fn with<T: Send + 'static>(
        &mut self,
        statement: &str,
        params: &[Value],
        work: impl FnOnce(&Connection, &mut Statement<'_>) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let connection = Arc::clone(&self.0);
        let statement = statement.to_owned();
        let params: Vec<types::Value> = params.iter().cloned().map(to_sqlite).collect();
        blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let mut prepared = connection.prepare_cached(&statement).map_err(to_error)?;
            let expected = prepared.parameter_count();
            if expected != params.len() {
                let reason = format!("{} values for {expected} parameters", params.len()).into();
                return Err(SqlError::Statement { reason });
            }
            for (index, value) in params.iter().enumerate() {
                prepared.raw_bind_parameter(index + 1, value).map_err(to_error)?;
            }
            work(&connection, &mut prepared)
        })
        .await
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn query(&mut self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        self.with(statement, params, move |_, prepared| {
            let columns = prepared.column_count();
            let mut cursor = prepared.raw_query();
            let mut rows = Vec::new();
            while let Some(row) = cursor.next().map_err(to_error)? {
                if rows.len() == row_limit {
                    return Err(SqlError::TooManyRows { limit: row_limit });
                }
                let values = (0..columns).map(|column| row.get(column).map(from_sqlite).map_err(to_error));
                rows.push(Row::new(values.collect::<Result<_, _>>()?));
            }
            Ok(rows)
        })
        .await
    }

    async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError> {
        self.affected(statement, params).await.map(|_| ())
    }

    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError> {
        self.with(statement, params, |connection, prepared| {
            let mut cursor = prepared.raw_query();
            while cursor.next().map_err(to_error)?.is_some() {}
            Ok(connection.changes())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SqlError> + Send + 'static,
) -> Result<T, SqlError> {
    let lost = |_| SqlError::Unavailable { reason: "the blocking thread was lost".into() };
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

fn to_error(error: rusqlite::Error) -> SqlError {
    sqlite::error(&error.to_string())
}

fn to_sqlite(value: Value) -> types::Value {
    match value {
        Value::Null => types::Value::Null,
        Value::Integer(integer) => types::Value::Integer(integer),
        Value::Real(real) => types::Value::Real(real),
        Value::Text(text) => types::Value::Text(text),
        Value::Blob(bytes) => types::Value::Blob(bytes),
    }
}

fn from_sqlite(value: types::Value) -> Value {
    match value {
        types::Value::Null => Value::Null,
        types::Value::Integer(integer) => Value::Integer(integer),
        types::Value::Real(real) => Value::Real(real),
        types::Value::Text(text) => Value::Text(text),
        types::Value::Blob(bytes) => Value::Blob(bytes),
    }
}
