//! The schema: embedded migrations in both dialects, forward only, carried out once by whoever comes first.
//!
//! Migration `n` is `migrations/mariadb/NNNN_what.sql` and `migrations/sqlite/NNNN_what.sql`; [`embedded`] lists them. What
//! is done is recorded in the table `schema_migrations`, with a checksum, so that a file that was changed after it had been
//! carried out is an error and not a silent difference between two deployments. A database that is *newer* than this
//! program is fine: during a rolling update the old program meets the new schema.
//!
//! * SQLite: a migration is one transaction, which is also the lock.
//! * MariaDB: data definition commits by itself, so a migration can stop half way. `GET_LOCK` on one connection is the
//!   lock; the number of statements done is recorded after each, in the same transaction where the statement allows one.
//!   Between a definition and its record there is a gap, so definitions say `IF [NOT] EXISTS` (a test sees to that) and
//!   may be carried out twice.

mod embedded;
mod ready;
mod run;
mod script;
#[cfg(test)]
mod tests;

use fault::{Fault, Kind};

pub use self::{
    embedded::MIGRATIONS,
    ready::{Readiness, ReadyError, ready},
    run::{migrate, migrate_to, schema_version},
};
use crate::sql::{Dialect, SqlError};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order, from 1 and without gaps.
    pub number: u32,
    /// What it does: the file's name without the number.
    pub name: &'static str,
    /// Its statements for MariaDB.
    pub mariadb: &'static str,
    /// Its statements for SQLite.
    pub sqlite: &'static str,
}

impl Migration {
    /// Its statements for `dialect`.
    pub fn script(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::MariaDb => self.mariadb,
            Dialect::Sqlite => self.sqlite,
        }
    }

    /// FNV-1a of the script, as text: it finds an edit, it does not withstand an attack.
    fn checksum(&self, dialect: Dialect) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in self.script(dialect).bytes().filter(|byte| *byte != b'\r') {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database did not answer, or refused a statement.
    #[error("migration {number} failed at statement {statement}")]
    Failed {
        /// Which migration.
        number: u32,
        /// Which of its statements, from 1.
        statement: usize,
        /// What the database said.
        source: SqlError,
    },
    /// The database did not answer before or after a migration.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A migration was changed after it had been carried out.
    #[error("migration {number} is not what was carried out: write a new one instead of changing it")]
    Changed {
        /// Which migration.
        number: u32,
    },
    /// Another process has been migrating for too long.
    #[error("the schema is being changed by another process")]
    Locked,
    /// Every connection to this SQLite database has a database of its own.
    #[error("the SQLite database lives in memory: give Spin a state directory (--state-dir) or set database_url")]
    InMemory,
}

impl Fault for MigrateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Failed { source, .. } | Self::Sql(source) if source.kind() != Kind::Unavailable => Kind::Internal,
            Self::Failed { .. } | Self::Sql(_) | Self::Locked | Self::InMemory => Kind::Unavailable,
            Self::Changed { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            Kind::Unavailable => "database_unavailable",
            _ => "internal_error",
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        matches!(self.kind(), Kind::Unavailable).then_some(1000)
    }
}
