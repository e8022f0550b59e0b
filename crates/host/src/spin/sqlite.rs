//! SQLite through Spin's SQLite binding.

use async_trait::async_trait;
use send_wrapper::SendWrapper;
use spin_sdk::{
    sqlite::{Connection, Error, Value as SpinValue},
    wit_bindgen::StreamResult,
};

use crate::{
    sql::{Dialect, Driver, Refusal, Row, Session, SqlError, Synchronous, Value, sqlite},
    woken::when_woken,
};

/// How many rows are asked for at once.
const BATCH: usize = 64;

/// The database that `spin.toml` calls `default`.
pub(super) struct SpinSqlite {
    /// How much a commit waits for the disk.
    pub(super) synchronous: Synchronous,
}

/// An open connection.
pub(super) struct SpinSqliteSession(SendWrapper<Connection>);

#[async_trait]
impl Driver for SpinSqlite {
    type Session = SpinSqliteSession;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn greeting(&self) -> &'static [&'static str] {
        sqlite::greeting(self.synchronous)
    }

    async fn connect(&self) -> Result<SpinSqliteSession, Refusal> {
        let opened = SendWrapper::new(when_woken(Connection::open_default())).await;
        opened
            .map(|connection| SpinSqliteSession(SendWrapper::new(connection)))
            .map_err(|error| Refusal::Failed(to_error(error)))
    }
}

#[async_trait]
impl Session for SpinSqliteSession {
    async fn query(&mut self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        SendWrapper::new(self.read(statement, params, row_limit)).await
    }

    async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError> {
        // A statement is not carried out before its result is read to the end (`docs/spin.md#sqlite`).
        SendWrapper::new(self.read(statement, params, usize::MAX)).await.map(|_| ())
    }

    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError> {
        self.execute(statement, params).await?;
        Ok(SendWrapper::new(self.0.changes()).await)
    }
}

impl SpinSqliteSession {
    async fn read(&self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        let answer = when_woken(self.0.execute(statement, params.iter().map(to_spin))).await.map_err(to_error)?;
        let (_, mut stream, result) = answer.into_inner();
        let mut rows = Vec::new();
        loop {
            let (status, batch) = when_woken(stream.read(Vec::with_capacity(BATCH))).await;
            if rows.len() + batch.len() > row_limit {
                return Err(SqlError::TooManyRows { limit: row_limit });
            }
            rows.extend(batch.into_iter().map(|row| Row::new(row.values.into_iter().map(from_spin).collect())));
            if status == StreamResult::Dropped {
                break;
            }
        }
        // Every error of a statement is told here and nowhere else.
        when_woken(result.into_future()).await.map_err(to_error)?;
        Ok(rows)
    }
}

fn to_error(error: Error) -> SqlError {
    let unavailable = |reason: &str| SqlError::Unavailable { reason: reason.into() };
    match error {
        Error::Io(text) => sqlite::error(&text),
        Error::NoSuchDatabase => unavailable("the deployment has no SQLite database called default"),
        Error::AccessDenied => unavailable("spin.toml does not give this component the SQLite database"),
        Error::InvalidConnection => unavailable("the connection is not valid"),
        Error::DatabaseFull => unavailable("the database is full"),
    }
}

fn to_spin(value: &Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(integer) => SpinValue::Integer(*integer),
        Value::Real(real) => SpinValue::Real(*real),
        Value::Text(text) => SpinValue::Text(text.clone()),
        Value::Blob(bytes) => SpinValue::Blob(bytes.clone()),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(integer) => Value::Integer(integer),
        SpinValue::Real(real) => Value::Real(real),
        SpinValue::Text(text) => Value::Text(text),
        SpinValue::Blob(bytes) => Value::Blob(bytes),
    }
}
