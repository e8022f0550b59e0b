//! What is recorded of the migrations that were carried out.

use std::collections::BTreeMap;

use super::{MigrateError, Migration};
use crate::sql::{Dialect, Row, Sql, SqlError, Statement};

/// What is recorded of one migration; no checksum means that it is not done yet.
pub(super) struct Record {
    pub(super) statements_done: usize,
    pub(super) checksum: Option<String>,
}

/// What is recorded of all of them, by number.
#[derive(Default)]
pub(super) struct Records(BTreeMap<u32, Record>);

/// What [`Records::read`] reads.
pub(super) const RECORDS: &str = "SELECT number, statements_done, checksum FROM schema_migrations";

impl Records {
    /// The records in `rows`, which begin with the columns of [`RECORDS`].
    pub(super) fn read(rows: &[Row]) -> Result<Self, SqlError> {
        let read = |row: &Row| {
            let number = u32::try_from(row.get::<i64>(0)?).unwrap_or(u32::MAX);
            let statements_done = usize::try_from(row.get::<i64>(1)?).unwrap_or(0);
            Ok((number, Record { statements_done, checksum: row.get(2)? }))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// What is recorded of `migration`.
    pub(super) fn of(&self, migration: &Migration) -> Option<&Record> {
        self.0.get(&migration.number)
    }

    /// The number of the newest migration that is done; 0 where none is.
    pub(super) fn version(&self) -> u32 {
        self.0.iter().filter(|(_, record)| record.checksum.is_some()).map(|(number, _)| *number).max().unwrap_or(0)
    }
}

/// What is recorded in the database; nothing in one that has no records.
pub(super) async fn recorded(sql: &dyn Sql) -> Result<Records, SqlError> {
    match sql.query(Statement::new(RECORDS)).await {
        Ok(rows) => Records::read(&rows),
        Err(error) if is_missing_table(&error) => Ok(Records::default()),
        Err(error) => Err(error),
    }
}

/// True where all of `wanted` is done; an error where something else was done under its number.
pub(super) fn is_done(records: &Records, wanted: &[Migration], dialect: Dialect) -> Result<bool, MigrateError> {
    let mut all = true;
    for migration in wanted {
        match records.of(migration).and_then(|record| record.checksum.as_ref()) {
            Some(done) if *done == migration.checksum(dialect) => {}
            Some(_) => return Err(MigrateError::Changed { number: migration.number }),
            None => all = false,
        }
    }
    Ok(all)
}

/// True where a statement failed because there is no such table. SQLite: "no such table"; MariaDB: ER_NO_SUCH_TABLE.
pub(super) fn is_missing_table(error: &SqlError) -> bool {
    matches!(error, SqlError::Statement { reason } if reason.as_str().contains("no such table") || reason.as_str().starts_with("1146:"))
}
