//! The two databases, and what the drivers of each have in common.

pub(crate) mod mariadb;
pub(crate) mod program;
pub(crate) mod sqlite;

use std::{borrow::Cow, time::Duration};

pub(crate) use self::{mariadb::MariaDbAddress, sqlite::Synchronous};

/// The time by the database's clock, as statements write it.
const NOW_MS: &str = "NOW_MS()";

/// What says that a SELECT holds its rows, as statements write it.
const FOR_UPDATE: &str = " FOR UPDATE";

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

    /// `text` as this database wants it. Statements are written in one dialect, of which two things are spelled in two ways:
    ///
    /// - `NOW_MS()` is the time by the database's clock, in milliseconds since the epoch: the same for every host that asks, which
    ///   the clocks of hosts are not. Leases are set and compared with it and with nothing else.
    /// - A SELECT with `FOR UPDATE` holds its rows until the end of the transaction. On SQLite a transaction holds the
    ///   whole database.
    pub(crate) fn spell(self, text: &str) -> Cow<'_, str> {
        let mut spelled = Cow::Borrowed(text);
        if self == Self::Sqlite && text.contains(FOR_UPDATE) {
            spelled = Cow::Owned(text.replace(FOR_UPDATE, ""));
        }
        if text.contains(NOW_MS) {
            spelled = Cow::Owned(spelled.replace(NOW_MS, self.now_ms()));
        }
        spelled
    }

    fn now_ms(self) -> &'static str {
        match self {
            Self::MariaDb => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
            // 2440587.5 is the Julian day of the epoch (<https://sqlite.org/lang_datefunc.html>).
            Self::Sqlite => "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
        }
    }

    /// True where a connection can die while nobody uses it.
    pub(crate) fn goes_stale(self) -> bool {
        matches!(self, Self::MariaDb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_databases_spell_in_two_ways_is_written_in_one() {
        let [mariadb, sqlite] = [Dialect::MariaDb, Dialect::Sqlite];
        let statement = "SELECT id FROM cats WHERE born < NOW_MS() AND fed < NOW_MS() FOR UPDATE";
        let (now, end) = ("CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)", "FOR UPDATE");
        assert_eq!(mariadb.spell(statement), format!("SELECT id FROM cats WHERE born < {now} AND fed < {now} {end}"));
        let now = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)";
        assert_eq!(sqlite.spell(statement), format!("SELECT id FROM cats WHERE born < {now} AND fed < {now}"));
        let copy = "INSERT INTO cats (id) SELECT id FROM dogs WHERE id = ? FOR UPDATE RETURNING 1";
        assert_eq!(sqlite.spell(copy), "INSERT INTO cats (id) SELECT id FROM dogs WHERE id = ? RETURNING 1");
        for untouched in ["SELECT 1", "UPDATE cats SET fed = NOW()", ""] {
            assert_eq!([mariadb.spell(untouched), sqlite.spell(untouched)], [untouched; 2]);
        }
    }
}
