//! What a database driver has to offer; it is implemented four times and everything else once, above it.

use async_trait::async_trait;

use super::{
    dialect::Dialect,
    error::SqlError,
    value::{Row, Value},
};

/// Why a connection could not be opened.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This instance has as many as it may have, or opens as many as it may open at once; the [pool](super::pool) says so.
    Busy,
    /// The server has too many connections at the moment; one may be free soon.
    Full,
    /// Anything else.
    Failed(SqlError),
}

/// A way to open connections to one database.
#[async_trait]
pub(crate) trait Driver: Send + Sync + 'static {
    /// An open connection.
    type Session: Session;

    /// Which database it is for.
    fn dialect(&self) -> Dialect;

    /// What is said to a fresh connection before anybody uses it.
    fn greeting(&self) -> &'static [&'static str];

    /// Opens a connection. The future is never dropped before it is done (see the [pool](super::pool)).
    async fn connect(&self) -> Result<Self::Session, Refusal>;
}

/// An open connection. An error for which [`SqlError::loses_connection`] holds says that it must not be used again.
#[async_trait]
pub(crate) trait Session: Send + 'static {
    /// Carries out `statement` and reads at most `row_limit` rows to their end; more are [`SqlError::TooManyRows`].
    async fn query(&mut self, statement: &str, params: &[Value], row_limit: usize) -> Result<Vec<Row>, SqlError>;

    /// Carries out `statement`; what rows there are, are thrown away.
    async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError>;

    /// Carries out `statement` and says how many rows it matched.
    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError>;
}
