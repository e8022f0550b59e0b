//! Migrations on MariaDB, where data definition commits by itself: under a lock, statement by statement, each recorded.

use super::{
    MigrateError, Migration, fnv, lock,
    records::{Record, Records, is_done, recorded},
    run::{LOCK_LIMIT, LOCK_PAUSE, STATEMENT_LIMIT},
    script,
};
use crate::{
    Clock,
    sql::{Dialect, Row, Sql, SqlError, Statement, Transaction},
};

/// How far a migration has come that is not done yet: the number of its statements, and a checksum of those alone.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    statements_done INTEGER NOT NULL,
    checksum VARCHAR(16),
    prefix_checksum VARCHAR(16)
)";

/// Tables that were made before there was a checksum of what is half done.
const UPGRADE: &str = "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS prefix_checksum VARCHAR(16)";

const RECORDS: &str = "SELECT number, statements_done, checksum, prefix_checksum FROM schema_migrations";

pub(super) async fn migrate(sql: &dyn Sql, clock: &dyn Clock, wanted: &[Migration]) -> Result<(), MigrateError> {
    let began = clock.now();
    loop {
        // A transaction is what keeps one connection; nothing that is done in it stays undone.
        let mut connection = sql.begin().await?;
        if lock::take(connection.as_mut()).await? {
            let outcome = under_lock(connection.as_mut(), wanted).await;
            // Both ways the connection ends here, and with it the lock; this is only sooner.
            lock::free(connection.as_mut()).await;
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
    connection.execute(Statement::new("SET SESSION max_statement_time = 0")).await?;
    // Ends the transaction that brought us here, whose snapshot may be older than the lock.
    connection.execute(Statement::new("COMMIT")).await?;
    connection.execute(Statement::new(TABLE)).await?;
    connection.execute(Statement::new(UPGRADE)).await?;
    let rows = connection.query(Statement::new(RECORDS)).await?;
    let records = Records::read(&rows)?;
    is_done(&records, wanted, Dialect::MariaDb)?;
    for migration in wanted {
        let record = records.of(migration);
        if record.is_some_and(|record| record.checksum.is_some()) {
            continue;
        }
        let statements = script::statements(migration.mariadb);
        let first = resume(migration, record, prefix_of(&rows, migration)?, &statements)?;
        one(connection, migration, &statements, first).await?;
    }
    Ok(())
}

/// The checksum that is recorded of what is done of `migration`.
fn prefix_of(rows: &[Row], migration: &Migration) -> Result<Option<String>, SqlError> {
    for row in rows {
        if row.get::<i64>(0)? == i64::from(migration.number) {
            return Ok(row.get(3)?);
        }
    }
    Ok(None)
}

/// The statement to go on with, from 0. What was carried out has to be what the file begins with: a count alone would resume
/// another file in its middle. (The first versions of this program kept the count alone, and what they left is believed.)
fn resume(
    migration: &Migration,
    record: Option<&Record>,
    prefix: Option<String>,
    statements: &[String],
) -> Result<usize, MigrateError> {
    let done = record.map_or(0, |record| record.statements_done);
    let begins_so = match (statements.get(..done), prefix) {
        (None, _) => false,
        (Some(begun), Some(prefix)) => done == 0 || prefix_checksum(begun) == prefix,
        (Some(_), None) => true,
    };
    if begins_so { Ok(done) } else { Err(MigrateError::ChangedHalfway { number: migration.number, statements: done }) }
}

async fn one(
    connection: &mut dyn Transaction,
    migration: &Migration,
    statements: &[String],
    first: usize,
) -> Result<(), MigrateError> {
    let number = migration.number;
    let start = "INSERT IGNORE INTO schema_migrations (number, name, statements_done) VALUES (?, ?, 0)";
    connection.execute(Statement::new(start).bind(number).bind(migration.name)).await?;
    for index in first..statements.len() {
        connection.set_deadline(STATEMENT_LIMIT);
        let done = step(connection, number, &statements[..=index]).await;
        done.map_err(|source| MigrateError::Failed { number, statement: index + 1, source })?;
    }
    let finish = "UPDATE schema_migrations SET checksum = ?, statements_done = ? WHERE number = ?";
    let checksum = migration.checksum(Dialect::MariaDb);
    connection.execute(Statement::new(finish).bind(checksum).bind(count(statements)).bind(number)).await?;
    Ok(())
}

/// Carries out the last of `statements` and records them all: at once where it can be rolled back, else right after it.
async fn step(connection: &mut dyn Transaction, number: u32, statements: &[String]) -> Result<(), SqlError> {
    let Some(statement) = statements.last() else { return Ok(()) };
    let is_undoable = script::changes_rows(statement);
    if is_undoable {
        connection.execute(Statement::new("START TRANSACTION")).await?;
    }
    connection.execute(Statement::new(statement.to_owned())).await?;
    let record = "UPDATE schema_migrations SET statements_done = ?, prefix_checksum = ? WHERE number = ?";
    connection
        .execute(Statement::new(record).bind(count(statements)).bind(prefix_checksum(statements)).bind(number))
        .await?;
    if is_undoable {
        connection.execute(Statement::new("COMMIT")).await?;
    }
    Ok(())
}

/// A checksum of `statements` one after the other, without the comments around them.
fn prefix_checksum(statements: &[String]) -> String {
    fnv(statements.iter().flat_map(|statement| statement.bytes().chain([0])))
}

pub(super) fn count(statements: &[String]) -> i64 {
    i64::try_from(statements.len()).unwrap_or(i64::MAX)
}
