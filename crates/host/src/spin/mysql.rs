//! MariaDB through Spin's MySQL binding.

use async_trait::async_trait;
use send_wrapper::SendWrapper;
use spin_sdk::{
    mysql::{Connection, DbValue, Error, MysqlError, ParameterValue},
    wit_bindgen::StreamResult,
};

use crate::{
    sql::{Dialect, Driver, MariaDbAddress, Refusal, Row, Session, SqlError, Value, mariadb},
    woken::when_woken,
};

/// How many rows are asked for at once.
const BATCH: usize = 64;

/// The server of this deployment.
pub(super) struct SpinMySql {
    address: MariaDbAddress,
}

impl SpinMySql {
    pub(super) fn new(address: MariaDbAddress) -> Self {
        Self { address }
    }
}

/// An open connection. The [pool](crate::sql) sees to it that it is not dropped at a moment that hangs the instance.
pub(super) struct SpinMySqlSession(SendWrapper<Connection>);

#[async_trait]
impl Driver for SpinMySql {
    type Session = SpinMySqlSession;

    fn dialect(&self) -> Dialect {
        Dialect::MariaDb
    }

    fn greeting(&self) -> &'static [&'static str] {
        mariadb::GREETING
    }

    async fn connect(&self) -> Result<SpinMySqlSession, Refusal> {
        match SendWrapper::new(when_woken(Connection::open(self.address.secret_url()))).await {
            Ok(connection) => Ok(SpinMySqlSession(SendWrapper::new(connection))),
            Err(error) => Err(refusal(&text_of(error))),
        }
    }
}

fn refusal(text: &str) -> Refusal {
    match mariadb::server_error(text) {
        Some((code, _)) if mariadb::is_full(code) => Refusal::Full,
        // Spin's own limit for the instance.
        None if text.contains("too many connections") => Refusal::Full,
        _ => Refusal::Failed(mariadb::error_from_text(text)),
    }
}

#[async_trait]
impl Session for SpinMySqlSession {
    async fn query(&mut self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        SendWrapper::new(self.read(statement, params, row_limit)).await
    }

    async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError> {
        let carried_out = SendWrapper::new(when_woken(self.0.execute(statement, to_params(params)))).await;
        carried_out.map_err(|error| match error {
            Error::MysqlError(MysqlError::QueryFailed(text)) => error_of_execute(&text),
            other => mariadb::error_from_text(&text_of(other)),
        })
    }

    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError> {
        self.execute(statement, params).await?;
        // Spin throws the number away, but the server still knows it.
        let rows = self.query("SELECT ROW_COUNT()", &[], 1).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl SpinMySqlSession {
    async fn read(&self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        let answer = match when_woken(self.0.query(statement, to_params(params))).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.reason_of(error).await),
        };
        let (_, mut stream, result) = answer.into_inner();
        let mut rows = Vec::new();
        loop {
            let (status, batch) = when_woken(stream.read(Vec::with_capacity(BATCH))).await;
            if rows.len() + batch.len() > row_limit {
                return Err(SqlError::TooManyRows { limit: row_limit });
            }
            for values in batch {
                rows.push(Row::new(values.into_iter().map(from_value).collect::<Result<_, _>>()?));
            }
            if status == StreamResult::Dropped {
                break;
            }
        }
        // An error after the first row is only told here.
        match when_woken(result.into_future()).await {
            Ok(()) => Ok(rows),
            // The text begins with the value.
            Err(MysqlError::ValueConversionFailed(text)) => Err(unreadable(
                text.split_once(" in column ").map_or("of a type that Spin cannot read", |(_, column)| column),
            )),
            Err(error) => Err(mariadb::error_from_text(&text_of(Error::MysqlError(error)))),
        }
    }

    /// Spin loses the error of a query that fails before its first row ("async error: channel closed",
    /// `docs/spin.md#errors-of-mysql`). The server remembers it for the connection until the next statement, and
    /// telling it again changes nothing: unlike carrying the statement out once more, this is safe for an `INSERT …
    /// RETURNING` and within a transaction.
    async fn reason_of(&self, error: Error) -> SqlError {
        let Error::MysqlError(MysqlError::Other(_)) = error else {
            return mariadb::error_from_text(&text_of(error));
        };
        let lost = || SqlError::Unavailable { reason: "the connection was lost".into() };
        let Ok(mut answer) = self.0.query("SHOW ERRORS", []).await else { return lost() };
        let mut last = None;
        while let Some(values) = answer.rows().next().await {
            last = Some(values);
        }
        match (answer.result().await, last.as_deref()) {
            (Err(_), _) => lost(),
            (Ok(()), Some([_, code, message])) => {
                let code = from_value(code.clone()).ok().and_then(|code| match code {
                    Value::Integer(code) => u16::try_from(code).ok(),
                    _ => None,
                });
                let message = match message {
                    DbValue::Str(message) => message.as_str(),
                    _ => "",
                };
                mariadb::error(code.unwrap_or(0), message)
            }
            // The server has seen no error, so the driver did not send the statement: a wrong number of parameters.
            (Ok(()), _) => SqlError::Statement { reason: "the driver refused the statement".into() },
        }
    }
}

/// The error in the Debug text of the driver's.
fn error_of_execute(text: &str) -> SqlError {
    if text.contains("StmtParamsMismatch") {
        return SqlError::Statement { reason: mariadb::redacted(text).into() };
    }
    mariadb::error_from_text(text)
}

fn text_of(error: Error) -> String {
    match error {
        Error::Decode(text)
        | Error::MysqlError(
            MysqlError::ConnectionFailed(text)
            | MysqlError::BadParameter(text)
            | MysqlError::QueryFailed(text)
            | MysqlError::ValueConversionFailed(text)
            | MysqlError::Other(text),
        ) => text,
    }
}

fn to_params(params: &[Value]) -> Vec<ParameterValue> {
    let to_param = |value: &Value| match value {
        Value::Null => ParameterValue::DbNull,
        Value::Integer(integer) => ParameterValue::Int64(*integer),
        Value::Real(real) => ParameterValue::Floating64(*real),
        Value::Text(text) => ParameterValue::Str(text.clone()),
        Value::Blob(bytes) => ParameterValue::Binary(bytes.clone()),
    };
    params.iter().map(to_param).collect()
}

fn from_value(value: DbValue) -> Result<Value, SqlError> {
    Ok(match value {
        DbValue::DbNull => Value::Null,
        DbValue::Boolean(flag) => Value::Integer(flag.into()),
        DbValue::Int8(integer) => Value::Integer(integer.into()),
        DbValue::Int16(integer) => Value::Integer(integer.into()),
        DbValue::Int32(integer) => Value::Integer(integer.into()),
        DbValue::Int64(integer) => Value::Integer(integer),
        DbValue::Uint8(integer) => Value::Integer(integer.into()),
        DbValue::Uint16(integer) => Value::Integer(integer.into()),
        DbValue::Uint32(integer) => Value::Integer(integer.into()),
        DbValue::Uint64(integer) => Value::Integer(i64::try_from(integer).map_err(|_| unreadable("above 2^63"))?),
        DbValue::Floating32(real) => Value::Real(real.into()),
        DbValue::Floating64(real) => Value::Real(real),
        DbValue::Str(text) => Value::Text(text),
        DbValue::Binary(bytes) => Value::Blob(bytes),
        DbValue::Unsupported => return Err(unreadable("of a type that Spin cannot read")),
    })
}

fn unreadable(what: &str) -> SqlError {
    SqlError::Statement { reason: format!("a value cannot be read: {what}").into() }
}
