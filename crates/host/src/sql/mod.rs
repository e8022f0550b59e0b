//! SQL on MariaDB and SQLite through one small port.
//!
//! A [`Statement`] is portable: `?` parameters, ids and times made by us, JSON as text, no DECIMAL, DATETIME or BIT columns, sums
//! cast. It says `NOW_MS()` for the time by the database's clock, in milliseconds since the epoch, and says `FOR UPDATE` where
//! a SELECT is to hold its rows; both are spelled as the database wants them. Ids, times, enums and options of them are bound and
//! read as what they are ([`text_values!`](crate::text_values)). What the four drivers (Spin's MySQL and SQLite, mysql_async, rusqlite)
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
    transact::{WorkError, all_or_none, conclude, transact},
    unusable::Unusable,
    value::{DecodeError, FromValue, Row, Value},
};
pub(crate) use self::{
    dialect::{MariaDbAddress, Synchronous, mariadb, sqlite},
    driver::{Driver, Refusal, Session},
    pooled::Pooled,
};
