//! Carrying out what is missing, under a lock.

use std::time::Duration;

use super::{
    MIGRATIONS, MigrateError, Migration,
    mariadb::{self, count},
    records::{RECORDS, Records, is_done, recorded},
    script,
};
use crate::{
    Clock,
    sql::{Dialect, Sql, SqlError, Statement},
};

/// A statement of a migration may rebuild a large table.
pub(super) const STATEMENT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long to wait for another process that migrates, and how often to look whether it is done.
pub(super) const LOCK_LIMIT: Duration = Duration::from_secs(60);
pub(super) const LOCK_PAUSE: Duration = Duration::from_millis(100);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    statements_done INTEGER NOT NULL,
    checksum VARCHAR(16)
)";

/// Brings the schema up to date and returns its version. Any number of callers may do so at once.
pub async fn migrate(sql: &dyn Sql, clock: &dyn Clock) -> Result<u32, MigrateError> {
    migrate_to(sql, clock, MIGRATIONS).await
}

/// The number of the newest migration that has been carried out; 0 for an empty database.
pub async fn schema_version(sql: &dyn Sql) -> Result<u32, SqlError> {
    Ok(recorded(sql).await?.version())
}

/// As [`migrate`], with a list of the caller's: the beginning of [`MIGRATIONS`] for a test that wants an old schema.
pub async fn migrate_to(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<u32, MigrateError> {
    let newest = wanted.last().map_or(0, |migration| migration.number);
    if is_done(&recorded(sql).await?, wanted, sql.dialect())? {
        return Ok(newest);
    }
    match sql.dialect() {
        Dialect::Sqlite => on_sqlite(sql, clock, wanted).await?,
        Dialect::MariaDb => mariadb::migrate(sql, clock, wanted).await?,
    }
    Ok(newest)
}

async fn on_sqlite(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<(), MigrateError> {
    write_ahead(sql, clock).await?;
    for migration in wanted {
        let number = migration.number;
        let mut transaction = sql.begin().await?;
        transaction.set_deadline(STATEMENT_LIMIT);
        transaction.execute(Statement::new(TABLE)).await?;
        let rows = transaction.query(Statement::new(RECORDS)).await?;
        if is_done(&Records::read(&rows)?, std::slice::from_ref(migration), Dialect::Sqlite)? {
            transaction.rollback().await?;
            continue;
        }
        let statements = script::statements(migration.sqlite);
        for (index, statement) in statements.iter().enumerate() {
            transaction.set_deadline(STATEMENT_LIMIT);
            let done = transaction.execute(Statement::new(statement.clone())).await;
            done.map_err(|source| MigrateError::Failed { number, statement: index + 1, source })?;
        }
        let record = "INSERT INTO schema_migrations (number, name, statements_done, checksum) VALUES (?, ?, ?, ?)";
        let checksum = migration.checksum(Dialect::Sqlite);
        transaction
            .execute(Statement::new(record).bind(number).bind(migration.name).bind(count(&statements)).bind(checksum))
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Puts the database file into WAL mode, where readers and the writer do not wait for each other. It cannot be done within
/// a transaction, and does not wait for a lock by itself.
async fn write_ahead(sql: &dyn Sql, clock: &dyn Clock) -> Result<(), MigrateError> {
    let began = clock.now();
    loop {
        match sql.query(Statement::new("PRAGMA journal_mode = WAL")).await {
            Ok(rows) => {
                let mode: String = rows.first().map_or(Ok(String::new()), |row| row.get(0)).map_err(SqlError::from)?;
                // A database on a file system without shared memory keeps its mode and works, only slower.
                return if mode == "memory" { Err(MigrateError::InMemory) } else { Ok(()) };
            }
            Err(SqlError::LockTimeout) if clock.now().since(began) < LOCK_LIMIT => clock.sleep(LOCK_PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    }
}
