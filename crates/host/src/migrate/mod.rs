//! The schema: embedded migrations in both dialects, forward only, carried out once by whoever comes first.
//!
//! Migration `n` is `migrations/mariadb/NNNN_what.sql` and `migrations/sqlite/NNNN_what.sql`; [`embedded`] lists them. What
//! is done is recorded in the table `schema_migrations`, with a checksum, so that a file that was changed after it had been
//! carried out is an error and not a silent difference between two deployments. A database that is *newer* than this
//! program is fine: during a rolling update the old program meets the new schema.
//!
//! * SQLite: a migration is one transaction, which is also the lock.
//! * MariaDB: data definition commits by itself, so a migration can stop half way. `GET_LOCK` on one connection is the
//!   lock; the number of statements done and a checksum of them are recorded after each, in the same transaction where the
//!   statement allows one. A migration goes on where it stopped if its file still begins with what was carried out. Between
//!   a definition and its record there is a gap, so definitions say `IF [NOT] EXISTS` (a test checks that) and may be
//!   carried out twice.

mod embedded;
mod lock;
mod mariadb;
mod month;
mod partitions;
mod ready;
mod records;
mod run;
mod script;
#[cfg(test)]
mod tests;

use fault::{Kind, faults};

pub use self::{
    embedded::MIGRATIONS,
    partitions::keep_partitions,
    ready::{Readiness, ReadyError, SchemaState, ready, schema_state},
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

    /// A checksum of the script.
    fn checksum(&self, dialect: Dialect) -> String {
        fnv(self.script(dialect).bytes().filter(|byte| *byte != b'\r'))
    }
}

/// FNV-1a of `bytes`, as text: it finds an edit, it does not withstand an attack.
fn fnv(bytes: impl Iterator<Item = u8>) -> String {
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
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
    /// A migration was changed after its first statements had been carried out.
    #[error(
        "migration {number} stopped after its first {statements} statements, and those are others now: bring back the file \
         that was carried out, and write a new one for the change"
    )]
    ChangedHalfway {
        /// Which migration.
        number: u32,
        /// How many of its statements had been carried out.
        statements: usize,
    },
    /// Another process has been migrating for too long.
    #[error("the schema is being changed by another process")]
    Locked,
    /// Every connection to this SQLite database has a database of its own.
    #[error("the SQLite database lives in memory: give Spin a state directory (--state-dir) or set database_url")]
    InMemory,
}

faults! { MigrateError {
    Self::Failed { source, .. } | Self::Sql(source) if source.kind() != Kind::Unavailable => Internal "internal_error",
    Self::Failed { .. } | Self::Sql(_) | Self::Locked | Self::InMemory =>
        Unavailable "database_unavailable" { retry_after_ms: Some(1000) },
    Self::Changed { .. } | Self::ChangedHalfway { .. } => Internal "internal_error",
} }
