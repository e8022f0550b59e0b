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

    /// An expression for the time by the database's clock, in milliseconds since the epoch: the same for every host that asks,
    /// which the clocks of hosts are not. Leases are set and compared with it and with nothing else.
    pub fn now_ms(self) -> &'static str {
        match self {
            Self::MariaDb => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
            // 2440587.5 is the Julian day of the epoch (<https://sqlite.org/lang_datefunc.html>).
            Self::Sqlite => "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
        }
    }

    /// What ends a SELECT that holds its rows until the end of the transaction. On SQLite a transaction holds the whole database.
    pub fn for_update(self) -> &'static str {
        match self {
            Self::MariaDb => " FOR UPDATE",
            Self::Sqlite => "",
        }
    }

    /// True where a connection can die while nobody uses it.
    pub(crate) fn goes_stale(self) -> bool {
        matches!(self, Self::MariaDb)
    }
}
