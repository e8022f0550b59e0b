//! The port: what everybody above may ask of a database.

use std::time::Duration;

use async_trait::async_trait;

use super::{dialect::Dialect, error::SqlError, statement::Statement, value::Row};

/// A database.
///
/// Every call has a deadline. A lone statement whose idle connection turns out to be dead is run again, once, on a fresh
/// one, if it is a read (it begins with `SELECT`). A write is never run twice: it may have been carried out before the
/// connection broke. A connection that has been idle for some seconds is therefore tried before a write is given to it.
#[async_trait]
pub trait Sql: Send + Sync {
    /// Which database is on the other side.
    fn dialect(&self) -> Dialect;

    /// Reads all rows of a statement; more than the row limit (10,000) is an error, so a reader says `LIMIT`.
    ///
    /// Also for `INSERT … RETURNING`, which counts as a write.
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError>;

    /// Carries out a statement that returns nothing.
    async fn execute(&self, statement: Statement) -> Result<(), SqlError>;

    /// Carries out an INSERT, UPDATE or DELETE and says how many rows it matched, changed by it or not. It costs one round
    /// trip more than [`execute`](Self::execute) on MariaDB.
    ///
    /// Of an `INSERT … ON DUPLICATE KEY UPDATE` MariaDB says 1 or 2 where SQLite says 1 of its `ON CONFLICT`: ask only
    /// whether it is 0.
    async fn affected(&self, statement: Statement) -> Result<u64, SqlError>;

    /// Carries out INSERTs, UPDATEs and DELETEs in one transaction if each of them matches a row; false where one does not,
    /// and then none of them has happened. None of them is an `INSERT … RETURNING`, whose rows nobody would read.
    ///
    /// On MariaDB this is one round trip, so it is to be preferred wherever no statement depends on what an earlier one
    /// says. Like a lone write it is never run twice.
    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError>;

    /// Begins a transaction on a connection of its own. On SQLite it takes the write lock at once.
    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError>;
}

/// A transaction. Dropped without [`commit`](Self::commit), on whatever path, it never happened: it is rolled back and its
/// connection is thrown away and never given to anyone else.
///
/// [`SqlError::UniqueViolation`], [`SqlError::ForeignKeyViolation`] and [`SqlError::Statement`] undo one statement and leave
/// the transaction as it was before. Every other error ends it: each later call, `commit` included, fails with that same
/// error, because what the database does with later statements by itself (it carries them out one by one after a deadlock)
/// is what nobody wants.
#[async_trait]
pub trait Transaction: Send {
    /// As [`Sql::query`], without the retry.
    async fn query(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError>;

    /// As [`Sql::execute`], without the retry.
    async fn execute(&mut self, statement: Statement) -> Result<(), SqlError>;

    /// Carries out statements that return nothing, one after the other, up to the first that fails.
    async fn execute_all(&mut self, statements: Vec<Statement>) -> Result<(), SqlError> {
        for statement in statements {
            self.execute(statement).await?;
        }
        Ok(())
    }

    /// As [`Sql::affected`], without the retry.
    async fn affected(&mut self, statement: Statement) -> Result<u64, SqlError>;

    /// Gives the rest of the transaction `limit` from now on, in place of the usual deadline.
    fn set_deadline(&mut self, limit: Duration);

    /// Makes it so. After [`SqlError::Unavailable`] it is unknown whether it was.
    async fn commit(self: Box<Self>) -> Result<(), SqlError>;

    /// Ends the transaction without a trace and keeps its connection for the next user, also where it gave way to another.
    async fn rollback(self: Box<Self>) -> Result<(), SqlError>;
}
