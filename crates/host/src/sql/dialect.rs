//! The two databases, and what the drivers of each have in common.

pub(crate) mod mariadb;
pub(crate) mod program;
pub(crate) mod sqlite;

pub(crate) use mariadb::MariaDbAddress;

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

    /// What is said to a fresh connection before anybody uses it.
    pub(crate) fn greeting(self) -> &'static [&'static str] {
        match self {
            Self::MariaDb => mariadb::GREETING,
            Self::Sqlite => sqlite::GREETING,
        }
    }

    /// True where a connection can die while nobody uses it.
    pub(crate) fn goes_stale(self) -> bool {
        matches!(self, Self::MariaDb)
    }
}
