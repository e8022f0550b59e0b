//! Partitions by month: the next ones are made before they are needed, and old ones go where the deployment says so.
//!
//! On MariaDB a table that grows without bound is partitioned by month of `created_at`, in milliseconds, and ends with a
//! partition `later` that takes everything (`migrations/README.md`). A month that has no partition of its own would fill `later`,
//! which could then only be divided by rewriting it. So every instance that starts looks, after its first answer, whether
//! somebody has looked today; if nobody has, it does, under the lock of migrations. Tables are found by their partition
//! `later`; nothing here knows them by name. SQLite has no partitions.

use std::{collections::BTreeMap, time::Duration};

use ids::Timestamp;

use super::{MigrateError, lock, month::Month, records::is_missing_table};
use crate::{
    Host,
    settings::{InvalidSetting, retention_months},
    sql::{Dialect, Sql, SqlError, Statement, Transaction},
};

/// How many months beyond the present one have a partition.
const MONTHS_AHEAD: u32 = 3;

/// The partition that takes everything that no other one takes.
const LATER: &str = "later";

/// Changing partitions waits for the transactions that use the table, and everybody who comes then waits for the change. So it
/// does not wait for long; the next instance finds a better moment. How long it takes is not limited: where somebody has filled
/// `later`, its rows are moved.
const WAIT_BRIEFLY: &str = "SET SESSION lock_wait_timeout = 2, max_statement_time = 0";

/// How long one change may take.
const STATEMENT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// When the partitions were last looked after, in days since 1970-01-01 (UTC).
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_upkeep (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    done_on BIGINT NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci";

const DONE_ON: &str = "SELECT done_on FROM schema_upkeep WHERE name = 'partitions'";

/// A partition: its name and the moment before which its rows were made, if there is one.
type Partition = (String, Option<Timestamp>);

/// Why partitions were not looked after.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpkeepError {
    #[error(transparent)]
    Variables(#[from] crate::VariablesError),
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    #[error("partitions could not be looked after")]
    Migrate(#[from] MigrateError),
}

impl From<SqlError> for UpkeepError {
    fn from(error: SqlError) -> Self {
        Self::Migrate(error.into())
    }
}

/// Looks after the partitions when the request at hand is answered, if nobody has today. If that fails, the next instance
/// tries again.
pub(super) fn keep_later(host: &Host) {
    if host.sql.dialect() != Dialect::MariaDb {
        return;
    }
    let (sql, variables) = (host.sql.clone(), host.variables.clone());
    host.tasks.spawn(Box::pin(async move {
        let outcome: Result<(), UpkeepError> = async {
            let retention = variables.get("retention_months").await?;
            let retention =
                retention_months(retention.as_deref()).map_err(|it| InvalidSetting::new("retention_months", it))?;
            // A wrong clock of this machine must not drop anything.
            let now = "SELECT CAST(UNIX_TIMESTAMP() AS SIGNED)";
            let seconds: i64 = sql
                .query(Statement::new(now))
                .await?
                .first()
                .map_or(Ok(0), |row| row.get(0))
                .map_err(SqlError::from)?;
            let now = Timestamp::from_millis(seconds.saturating_mul(1000));
            if done_on(&*sql).await? < day(now) {
                keep_partitions(&*sql, now, retention).await?;
            }
            Ok(())
        }
        .await;
        if let Err(error) = outcome {
            tracing::warn!(%error, cause = ?error, "partitions were not looked after; the next instance tries again");
        }
    }));
}

/// Gives every partitioned table a partition for each month up to three months after `now`, and drops those whose rows are all
/// older than `retention` whole months before the one of `now`. Does nothing where somebody else is changing the schema, and
/// nothing on SQLite.
pub async fn keep_partitions(sql: &dyn Sql, now: Timestamp, retention: Option<u32>) -> Result<(), MigrateError> {
    if sql.dialect() != Dialect::MariaDb {
        return Ok(());
    }
    // A transaction is what keeps one connection; data definition commits by itself.
    let mut connection = sql.begin().await?;
    if !lock::take(connection.as_mut()).await? {
        connection.rollback().await?;
        return Ok(());
    }
    let outcome = under_lock(connection.as_mut(), now, retention).await;
    lock::free(connection.as_mut()).await;
    // The connection has other limits than its next user expects, so it ends here.
    Ok(outcome?)
}

async fn under_lock(connection: &mut dyn Transaction, now: Timestamp, retention: Option<u32>) -> Result<(), SqlError> {
    connection.execute(Statement::new(WAIT_BRIEFLY)).await?;
    for (table, partitions) in partitioned_tables(connection).await? {
        for statement in changes(&table, &partitions, now, retention) {
            connection.set_deadline(STATEMENT_LIMIT);
            connection.execute(Statement::new(statement.clone())).await?;
            tracing::info!(statement, "partitions were changed");
        }
    }
    connection.execute(Statement::new(TABLE)).await?;
    let done = "INSERT INTO schema_upkeep (name, done_on) VALUES ('partitions', ?) \
        ON DUPLICATE KEY UPDATE done_on = VALUES(done_on)";
    connection.execute(Statement::new(done).bind(day(now))).await?;
    connection.execute(Statement::new("COMMIT")).await
}

/// Every table of the database that has a partition [`LATER`], with its partitions in their order.
async fn partitioned_tables(connection: &mut dyn Transaction) -> Result<BTreeMap<String, Vec<Partition>>, SqlError> {
    let statement = "SELECT table_name, partition_name, partition_description FROM information_schema.partitions \
        WHERE table_schema = DATABASE() AND partition_method = 'RANGE' \
        ORDER BY table_name, partition_ordinal_position";
    let mut tables: BTreeMap<String, Vec<Partition>> = BTreeMap::new();
    for row in connection.query(Statement::new(statement)).await? {
        let before: String = row.get(2)?;
        let partition = (row.get(1)?, before.parse().ok().map(Timestamp::from_millis));
        tables.entry(row.get(0)?).or_default().push(partition);
    }
    tables.retain(|_, partitions| partitions.iter().any(|(name, before)| name == LATER && before.is_none()));
    Ok(tables)
}

async fn done_on(sql: &dyn Sql) -> Result<i64, SqlError> {
    match sql.query(Statement::new(DONE_ON)).await {
        Ok(rows) => Ok(rows.first().map_or(Ok(0), |row| row.get(0))?),
        Err(error) if is_missing_table(&error) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Days since 1970-01-01.
fn day(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(24 * 60 * 60)
}

/// What has to be done to `table` now.
fn changes(table: &str, partitions: &[Partition], now: Timestamp, retention: Option<u32>) -> Vec<String> {
    let newest = partitions.iter().filter_map(|(_, before)| *before).max();
    let (Some(present), Some(first)) = (Month::of(now), newest.and_then(Month::of)) else { return Vec::new() };
    let mut changes = Vec::new();
    let missing: Vec<String> = first
        .up_to(present.plus(MONTHS_AHEAD))
        .map(|month| format!("PARTITION {month} VALUES LESS THAN ({})", month.plus(1).start().as_millis()))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        changes.push(format!(
            "ALTER TABLE `{table}` REORGANIZE PARTITION {LATER} INTO ({missing}, PARTITION {LATER} VALUES LESS THAN MAXVALUE)"
        ));
    }
    if let Some(kept) = retention.map(|months| present.minus(months).start()) {
        let is_old = |(_, before): &&Partition| before.is_some_and(|before| before <= kept);
        let old: Vec<String> = partitions.iter().filter(is_old).map(|(name, _)| format!("`{name}`")).collect();
        if !old.is_empty() {
            changes.push(format!("ALTER TABLE `{table}` DROP PARTITION {}", old.join(", ")));
        }
    }
    changes
}

#[cfg(test)]
mod tests;
