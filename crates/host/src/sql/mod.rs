//! SQL on MariaDB and SQLite through one small port.
//!
//! Statements are portable: `?` parameters, ids and times made by us, JSON as text, no DECIMAL, DATETIME or BIT columns, sums
//! cast. The few that differ ask for the [`Dialect`]. What the four drivers (Spin's MySQL and SQLite, mysql_async, rusqlite)
//! have in common (the idle list, transactions, retries, deadlines) is written once, above the drivers.

mod error;
mod value;

use async_trait::async_trait;

pub use self::{
    error::SqlError,
    value::{DecodeError, FromValue, Row, Value},
};

/// Which database is on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// MariaDB 10.5 or later, in production.
    MariaDb,
    /// SQLite 3.35 or later, by default.
    Sqlite,
}

/// A database.
///
/// A lone statement is retried once on a fresh connection where the idle one turned out to be dead *and* the statement
/// cannot have been carried out, or is a read. Every call has a deadline.
#[async_trait]
pub trait Sql: Send + Sync {
    /// Which database is on the other side.
    fn dialect(&self) -> Dialect;

    /// Reads all rows of a statement; more than the row limit (10,000) is an error, so a reader says `LIMIT`.
    async fn query(&self, statement: &str, params: Vec<Value>) -> Result<Vec<Row>, SqlError>;

    /// Carries out a statement that returns nothing.
    async fn execute(&self, statement: &str, params: Vec<Value>) -> Result<(), SqlError>;

    /// Carries out an INSERT, UPDATE or DELETE and says how many rows it matched. It costs one round trip more than
    /// [`execute`](Self::execute) on MariaDB.
    async fn affected(&self, statement: &str, params: Vec<Value>) -> Result<u64, SqlError>;

    /// Begins a transaction on a connection of its own. On SQLite it takes the write lock at once.
    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError>;
}

/// A transaction. Dropped without [`commit`](Self::commit), on whatever path, it never happened: its connection is thrown
/// away with it and is never given to anyone else.
#[async_trait]
pub trait Transaction: Send {
    /// As [`Sql::query`], without the retry.
    async fn query(&mut self, statement: &str, params: Vec<Value>) -> Result<Vec<Row>, SqlError>;

    /// As [`Sql::execute`], without the retry.
    async fn execute(&mut self, statement: &str, params: Vec<Value>) -> Result<(), SqlError>;

    /// As [`Sql::affected`], without the retry.
    async fn affected(&mut self, statement: &str, params: Vec<Value>) -> Result<u64, SqlError>;

    /// Makes it so. After [`SqlError::Unavailable`] it is unknown whether it was.
    async fn commit(self: Box<Self>) -> Result<(), SqlError>;

    /// Ends the transaction without a trace and keeps its connection for the next user.
    async fn rollback(self: Box<Self>) -> Result<(), SqlError>;
}
