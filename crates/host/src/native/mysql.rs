//! MariaDB through mysql_async.

use async_trait::async_trait;
use futures::TryStreamExt;
use mysql_async::{
    Column, Conn, Error, Opts, OptsBuilder, Params, SslOpts,
    consts::{ColumnFlags, ColumnType},
    prelude::Queryable,
};
use url::Url;

use crate::sql::{Dialect, Driver, MariaDbAddress, Refusal, Row, Session, SqlError, Value, mariadb};

/// A MariaDB server.
pub(super) struct MariaDb {
    opts: Opts,
}

impl MariaDb {
    /// The server at `address`, or why the driver does not accept it.
    pub(super) fn new(address: &MariaDbAddress) -> Result<Self, String> {
        let mut url = Url::parse(address.secret_url()).map_err(|error| error.to_string())?;
        // The driver does not know ssl-mode; Spin translates it in the same way.
        let (ssl, others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(key, _)| matches!(key.as_str(), "ssl-mode" | "sslMode"));
        url.query_pairs_mut().clear().extend_pairs(others);
        let is_encrypted = ssl.iter().any(|(_, mode)| !mode.eq_ignore_ascii_case("disabled"));
        let opts = Opts::from_url(url.as_str()).map_err(|_| "the driver does not accept the address".to_owned())?;
        let opts = OptsBuilder::from_opts(opts).ssl_opts(is_encrypted.then(SslOpts::default));
        Ok(Self { opts: opts.into() })
    }
}

/// A connection.
pub(super) struct MariaDbSession(Conn);

#[async_trait]
impl Driver for MariaDb {
    type Session = MariaDbSession;

    fn dialect(&self) -> Dialect {
        Dialect::MariaDb
    }

    fn greeting(&self) -> &'static [&'static str] {
        mariadb::GREETING
    }

    async fn connect(&self) -> Result<MariaDbSession, Refusal> {
        Conn::new(self.opts.clone()).await.map(MariaDbSession).map_err(|error| match error {
            Error::Server(error) if mariadb::is_full(error.code) => Refusal::Full,
            error => Refusal::Failed(to_error(error)),
        })
    }
}

#[async_trait]
impl Session for MariaDbSession {
    async fn query(&mut self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError> {
        let mut result = self.0.exec_iter(statement, to_params(params)).await.map_err(to_error)?;
        let columns = result.columns();
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
            result.drop_result().await.map_err(to_error)?;
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        {
            let stream = result.stream::<mysql_async::Row>().await.map_err(to_error)?;
            let Some(mut stream) = stream else { return Ok(rows) };
            while let Some(row) = stream.try_next().await.map_err(to_error)? {
                if rows.len() == row_limit {
                    return Err(SqlError::TooManyRows { limit: row_limit });
                }
                rows.push(from_row(row, &columns)?);
            }
        }
        Ok(rows)
    }

    async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError> {
        self.0.exec_drop(statement, to_params(params)).await.map_err(to_error)
    }

    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError> {
        self.0.exec_drop(statement, to_params(params)).await.map_err(to_error)?;
        Ok(self.0.affected_rows())
    }
}

fn to_params(params: &[Value]) -> Params {
    if params.is_empty() {
        return Params::Empty;
    }
    let to_value = |value: &Value| match value {
        Value::Null => mysql_async::Value::NULL,
        Value::Integer(integer) => mysql_async::Value::Int(*integer),
        Value::Real(real) => mysql_async::Value::Double(*real),
        Value::Text(text) => mysql_async::Value::Bytes(text.clone().into_bytes()),
        Value::Blob(bytes) => mysql_async::Value::Bytes(bytes.clone()),
    };
    Params::Positional(params.iter().map(to_value).collect())
}

fn from_row(row: mysql_async::Row, columns: &[Column]) -> Result<Row, SqlError> {
    let values = row.unwrap_raw().into_iter().zip(columns);
    let values = values.map(|(value, column)| from_value(value.unwrap_or(mysql_async::Value::NULL), column));
    values.collect::<Result<_, _>>().map(Row::new)
}

/// A value as Spin's driver would give it, with its limits (`docs/spin.md#values-of-mysql`): what passes here must pass
/// there.
fn from_value(value: mysql_async::Value, column: &Column) -> Result<Value, SqlError> {
    use mysql_async::Value as Native;
    let refused = || {
        let (name, kind) = (column.name_str(), column.column_type());
        Err(SqlError::Statement { reason: format!("the column {name} is a {kind:?}, which Spin cannot read").into() })
    };
    match value {
        Native::NULL => Ok(Value::Null),
        Native::Int(integer) => Ok(Value::Integer(integer)),
        Native::UInt(integer) => i64::try_from(integer).map(Value::Integer).or_else(|_| refused()),
        Native::Float(real) => Ok(Value::Real(real.into())),
        Native::Double(real) => Ok(Value::Real(real)),
        Native::Date(..) | Native::Time(..) => refused(),
        Native::Bytes(bytes) => match column.column_type() {
            ColumnType::MYSQL_TYPE_DECIMAL
            | ColumnType::MYSQL_TYPE_NEWDECIMAL
            | ColumnType::MYSQL_TYPE_BIT
            // What an expression of a long text has, while a column has MYSQL_TYPE_BLOB.
            | ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
            | ColumnType::MYSQL_TYPE_GEOMETRY => refused(),
            _ if column.flags().contains(ColumnFlags::BINARY_FLAG) => Ok(Value::Blob(bytes)),
            _ => String::from_utf8(bytes).map(Value::Text).or_else(|_| refused()),
        },
    }
}

fn to_error(error: Error) -> SqlError {
    match error {
        Error::Server(error) => mariadb::error(error.code, &error.message),
        Error::Driver(mysql_async::DriverError::StmtParamsMismatch { required, supplied }) => {
            SqlError::Statement { reason: format!("{supplied} values for {required} parameters").into() }
        }
        other => SqlError::Unavailable { reason: mariadb::redacted(&other.to_string()).into() },
    }
}
