//! SQL on MariaDB and SQLite through one small port.
//!
//! Statements are portable: `?` parameters, ids and times made by us, JSON as text, no DECIMAL, DATETIME or BIT columns, sums
//! cast. The few that differ ask for the [`Dialect`]. What the four drivers (Spin's MySQL and SQLite, mysql_async, rusqlite)
//! have in common (the idle list, transactions, retries, deadlines) is written once, above the [drivers](driver).

mod checkout;
mod dialect;
mod driver;
mod error;
mod lease;
mod limits;
mod opens;
mod pool;
mod pooled;
mod port;
mod statement;
#[cfg(test)]
mod tests;
mod time;
mod transact;
mod transaction;
mod unusable;
mod value;

pub use self::{
    dialect::Dialect,
    error::{Reason, SqlError},
    limits::Limits,
    port::{Sql, Transaction},
    statement::Statement,
    transact::{WorkError, conclude, transact},
    unusable::Unusable,
    value::{DecodeError, FromValue, Row, Value},
};
pub(crate) use self::{
    dialect::{MariaDbAddress, Synchronous, mariadb, sqlite},
    driver::{Driver, Refusal, Session},
    pooled::Pooled,
};

/// The parameters of a statement: `params![id.to_string(), 5, None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { ::std::vec![$($crate::sql::Value::from($value)),*] };
}
