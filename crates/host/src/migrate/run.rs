//! Carrying out what is missing, under a lock.

use std::{collections::BTreeMap, time::Duration};

use super::{MIGRATIONS, MigrateError, Migration, script};
use crate::{
    Clock, params,
    sql::{Dialect, Sql, SqlError, Transaction},
};

/// A statement of a migration may rebuild a large table.
const STATEMENT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long to wait for another process that migrates, and how often to look whether it is done.
const LOCK_LIMIT: Duration = Duration::from_secs(60);
const LOCK_PAUSE: Duration = Duration::from_millis(100);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    statements_done INTEGER NOT NULL,
    checksum VARCHAR(16)
)";

/// What is recorded of one migration; no checksum means that it is not done yet.
struct Record {
    statements_done: usize,
    checksum: Option<String>,
}

type Records = BTreeMap<u32, Record>;

/// Brings the schema up to date and returns its version. Any number of callers may do so at once.
pub async fn migrate(sql: &dyn Sql, clock: &dyn Clock) -> Result<u32, MigrateError> {
    migrate_to(sql, clock, MIGRATIONS).await
}

/// The number of the newest migration that has been carried out; 0 for an empty database.
pub async fn schema_version(sql: &dyn Sql) -> Result<u32, SqlError> {
    let done = "SELECT MAX(number) FROM schema_migrations WHERE checksum IS NOT NULL";
    match sql.query(done, params![]).await {
        Ok(rows) => {
            let newest: Option<i64> = rows.first().map_or(Ok(None), |row| row.get(0))?;
            Ok(newest.and_then(|number| u32::try_from(number).ok()).unwrap_or(0))
        }
        Err(error) if is_missing_table(&error) => Ok(0),
        Err(error) => Err(error),
    }
}

/// As [`migrate`], with a list of the caller's: the beginning of [`MIGRATIONS`] for a test that wants an old schema.
pub async fn migrate_to(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<u32, MigrateError> {
    let newest = wanted.last().map_or(0, |migration| migration.number);
    if is_done(&recorded(sql).await?, wanted, sql.dialect())? {
        return Ok(newest);
    }
    match sql.dialect() {
        Dialect::Sqlite => on_sqlite(sql, clock, wanted).await?,
        Dialect::MariaDb => on_mariadb(sql, clock, wanted).await?,
    }
    Ok(newest)
}

fn is_missing_table(error: &SqlError) -> bool {
    // SQLite: "no such table"; MariaDB: ER_NO_SUCH_TABLE.
    matches!(error, SqlError::Statement { reason } if reason.as_str().contains("no such table") || reason.as_str().starts_with("1146:"))
}

const RECORDS: &str = "SELECT number, statements_done, checksum FROM schema_migrations";

async fn recorded(sql: &dyn Sql) -> Result<Records, SqlError> {
    match sql.query(RECORDS, params![]).await {
        Ok(rows) => read_records(&rows),
        Err(error) if is_missing_table(&error) => Ok(Records::new()),
        Err(error) => Err(error),
    }
}

fn read_records(rows: &[crate::sql::Row]) -> Result<Records, SqlError> {
    let read = |row: &crate::sql::Row| {
        let number = u32::try_from(row.get::<i64>(0)?).unwrap_or(u32::MAX);
        let statements_done = usize::try_from(row.get::<i64>(1)?).unwrap_or(0);
        Ok((number, Record { statements_done, checksum: row.get(2)? }))
    };
    rows.iter().map(read).collect()
}

/// True where all of `wanted` is done; an error where something else was done under its number.
fn is_done(records: &Records, wanted: &[Migration], dialect: Dialect) -> Result<bool, MigrateError> {
    let mut all = true;
    for migration in wanted {
        match records.get(&migration.number).and_then(|record| record.checksum.as_ref()) {
            Some(done) if *done == migration.checksum(dialect) => {}
            Some(_) => return Err(MigrateError::Changed { number: migration.number }),
            None => all = false,
        }
    }
    Ok(all)
}

async fn on_sqlite(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<(), MigrateError> {
    write_ahead(sql, clock).await?;
    for migration in wanted {
        let number = migration.number;
        let mut transaction = sql.begin().await?;
        transaction.set_deadline(STATEMENT_LIMIT);
        transaction.execute(TABLE, params![]).await?;
        let rows = transaction.query(RECORDS, params![]).await?;
        if is_done(&read_records(&rows)?, std::slice::from_ref(migration), Dialect::Sqlite)? {
            transaction.rollback().await?;
            continue;
        }
        let statements = script::statements(migration.sqlite);
        for (index, statement) in statements.iter().enumerate() {
            transaction.set_deadline(STATEMENT_LIMIT);
            let done = transaction.execute(statement, params![]).await;
            done.map_err(|source| MigrateError::Failed { number, statement: index + 1, source })?;
        }
        let record = "INSERT INTO schema_migrations (number, name, statements_done, checksum) VALUES (?, ?, ?, ?)";
        let checksum = migration.checksum(Dialect::Sqlite);
        transaction.execute(record, params![number, migration.name, count(&statements), checksum]).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Puts the database file into WAL mode, where readers and the writer do not wait for each other. It cannot be done within
/// a transaction, and does not wait for a lock by itself.
async fn write_ahead(sql: &dyn Sql, clock: &dyn Clock) -> Result<(), MigrateError> {
    let began = clock.now();
    loop {
        match sql.query("PRAGMA journal_mode = WAL", params![]).await {
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

/// The lock's name holds the database's, since MariaDB's locks belong to the whole server.
const TAKE_LOCK: &str = "SELECT GET_LOCK(CONCAT('kowai schema ', MD5(DATABASE())), 0)";
const FREE_LOCK: &str = "SELECT RELEASE_LOCK(CONCAT('kowai schema ', MD5(DATABASE())))";

async fn on_mariadb(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<(), MigrateError> {
    let began = clock.now();
    loop {
        // A transaction is what keeps one connection; nothing that is done in it stays undone.
        let mut connection = sql.begin().await?;
        let answer = connection.query(TAKE_LOCK, params![]).await?;
        let is_ours: Option<i64> = answer.first().map_or(Ok(None), |row| row.get(0)).map_err(SqlError::from)?;
        if is_ours == Some(1) {
            let outcome = under_lock(connection.as_mut(), wanted).await;
            // Both ways the connection ends here, and with it the lock; this is only sooner.
            if let Err(error) = connection.query(FREE_LOCK, params![]).await {
                tracing::debug!(%error, "the schema lock ends with its connection");
            }
            return outcome;
        }
        // The connection is not held while somebody else works: hundreds may be waiting.
        connection.rollback().await?;
        if clock.now().since(began) > LOCK_LIMIT {
            return Err(MigrateError::Locked);
        }
        clock.sleep(LOCK_PAUSE).await;
        if is_done(&recorded(sql).await?, wanted, Dialect::MariaDb)? {
            return Ok(());
        }
    }
}

async fn under_lock(connection: &mut dyn Transaction, wanted: &[Migration]) -> Result<(), MigrateError> {
    connection.set_deadline(STATEMENT_LIMIT);
    connection.execute("SET SESSION max_statement_time = 0", params![]).await?;
    // Ends the transaction that brought us here, whose snapshot may be older than the lock.
    connection.execute("COMMIT", params![]).await?;
    connection.execute(TABLE, params![]).await?;
    let records = read_records(&connection.query(RECORDS, params![]).await?)?;
    is_done(&records, wanted, Dialect::MariaDb)?;
    for migration in wanted {
        let record = records.get(&migration.number);
        if record.is_some_and(|record| record.checksum.is_some()) {
            continue;
        }
        let first = record.map_or(0, |record| record.statements_done);
        one_on_mariadb(connection, migration, first).await?;
    }
    Ok(())
}

async fn one_on_mariadb(
    connection: &mut dyn Transaction,
    migration: &Migration,
    first: usize,
) -> Result<(), MigrateError> {
    let number = migration.number;
    let start = "INSERT IGNORE INTO schema_migrations (number, name, statements_done) VALUES (?, ?, 0)";
    connection.execute(start, params![number, migration.name]).await?;
    let statements = script::statements(migration.mariadb);
    for (index, statement) in statements.iter().enumerate().skip(first) {
        connection.set_deadline(STATEMENT_LIMIT);
        let done = step_on_mariadb(connection, number, index + 1, statement).await;
        done.map_err(|source| MigrateError::Failed { number, statement: index + 1, source })?;
    }
    let finish = "UPDATE schema_migrations SET checksum = ?, statements_done = ? WHERE number = ?";
    let checksum = migration.checksum(Dialect::MariaDb);
    connection.execute(finish, params![checksum, count(&statements), number]).await?;
    Ok(())
}

/// Carries out one statement and records it: at once where it can be rolled back, else right after it.
async fn step_on_mariadb(
    connection: &mut dyn Transaction,
    number: u32,
    done: usize,
    statement: &str,
) -> Result<(), SqlError> {
    let is_undoable = script::changes_rows(statement);
    if is_undoable {
        connection.execute("START TRANSACTION", params![]).await?;
    }
    connection.execute(statement, params![]).await?;
    let record = "UPDATE schema_migrations SET statements_done = ? WHERE number = ?";
    connection.execute(record, params![i64::try_from(done).unwrap_or(i64::MAX), number]).await?;
    if is_undoable {
        connection.execute("COMMIT", params![]).await?;
    }
    Ok(())
}

fn count(statements: &[String]) -> i64 {
    i64::try_from(statements.len()).unwrap_or(i64::MAX)
}
