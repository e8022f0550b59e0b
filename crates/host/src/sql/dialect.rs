//! The two databases, and what the drivers of each have in common.

pub(crate) mod mariadb;
pub(crate) mod program;
pub(crate) mod sqlite;

use std::time::Duration;

pub(crate) use self::{mariadb::MariaDbAddress, sqlite::Synchronous};

/// Which database is on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// MariaDB 10.6 or later, in production.
    MariaDb,
    /// SQLite 3.43 or later (`OCTET_LENGTH`), by default.
    Sqlite,
}

impl Dialect {
    /// What begins a transaction. On SQLite it takes the write lock at once, since a transaction that takes it later cannot
    /// wait for it (<https://sqlite.org/lang_transaction.html>, section 2.2).
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::MariaDb => "START TRANSACTION",
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    /// After how long the database gives up a statement, whoever still waits for it: see the greetings.
    pub(crate) fn statement_limit(self) -> Duration {
        match self {
            Self::MariaDb => mariadb::STATEMENT_LIMIT,
            Self::Sqlite => sqlite::STATEMENT_LIMIT,
        }
    }

    /// True where a connection can die while nobody uses it.
    pub(crate) fn goes_stale(self) -> bool {
        matches!(self, Self::MariaDb)
    }
}
