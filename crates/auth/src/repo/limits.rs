//! How fast somebody may guess, and how many passwords are hashed at a time. All by the database's clock.

use std::time::Duration;

use host::sql::{Row, Sql, SqlError, Statement};

use crate::limits::{Bucket, LOCKOUT, State};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes one attempt out of each of `buckets`; false, and nothing is taken, where one has none left, is locked or is not there.
pub(crate) async fn take(sql: &dyn Sql, buckets: &[Bucket]) -> Result<bool, SqlError> {
    // No workspace: limits are the deployment's.
    let take = Statement::new(
        "UPDATE sign_in_limits SET drained_at = CASE WHEN drained_at > NOW_MS() THEN drained_at ELSE NOW_MS() END + ?, \
         updated_at = NOW_MS() WHERE bucket = ? AND drained_at <= NOW_MS() + ? AND locked_until <= NOW_MS()",
    );
    let take =
        |bucket: &Bucket| take.clone().bind(bucket.interval_ms).bind(bucket.key.as_str()).bind(bucket.tolerance_ms());
    sql.all_or_none(buckets.iter().map(take).collect()).await
}

/// What is in those of `buckets` that are there.
pub(crate) async fn states(sql: &dyn Sql, buckets: &[Bucket]) -> Result<Vec<State>, SqlError> {
    let marks = vec!["?"; buckets.len()].join(", ");
    // No workspace: limits are the deployment's.
    let statement = format!(
        "SELECT bucket, drained_at - NOW_MS(), locked_until - NOW_MS() FROM sign_in_limits WHERE bucket IN ({marks})"
    );
    let rows = sql.query(Statement::new(statement).bind_all(buckets.iter().map(|bucket| bucket.key.as_str()))).await?;
    let state = |row: &Row| Ok(State { key: row.get(0)?, drained_in_ms: row.get(1)?, locked_for_ms: row.get(2)? });
    rows.iter().map(state).collect()
}

/// Makes an empty bucket, if it is not there.
pub(crate) async fn make(sql: &dyn Sql, bucket: &Bucket) -> Result<(), SqlError> {
    // No workspace: limits are the deployment's.
    let statement = "INSERT INTO sign_in_limits (bucket, drained_at, failures, locked_until, updated_at) \
        VALUES (?, 0, 0, 0, NOW_MS())";
    match sql.execute(Statement::new(statement).bind(bucket.key.as_str())).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives back what [`take`] took: who was right guessed nothing.
pub(crate) fn give_back(bucket: &Bucket) -> Statement {
    // No workspace: limits are the deployment's.
    let statement =
        "UPDATE sign_in_limits SET drained_at = drained_at - ?, failures = 0, locked_until = 0 WHERE bucket = ?";
    Statement::new(statement).bind(bucket.interval_ms).bind(bucket.key.as_str())
}

/// Counts a wrong password, and from some on locks the bucket, each time for twice as long, up to a longest time.
pub(crate) fn count_failure(bucket: &Bucket) -> Statement {
    // MariaDB sees in an assignment what those before it did, SQLite does not: so the count comes last.
    // No workspace: limits are the deployment's.
    let statement = format!(
        "UPDATE sign_in_limits SET locked_until = CASE WHEN failures + 1 < {free} THEN 0 \
         WHEN failures + 1 - {free} >= {doublings} THEN NOW_MS() + {longest} \
         ELSE NOW_MS() + ({first} << (failures + 1 - {free})) END, failures = failures + 1 WHERE bucket = ?",
        free = LOCKOUT.free_failures,
        doublings = LOCKOUT.doublings(),
        longest = LOCKOUT.longest_ms,
        first = LOCKOUT.first_ms,
    );
    Statement::new(statement).bind(bucket.key.as_str())
}

/// Forgets buckets that nobody has asked for in a day: by then they are empty, and failures are forgotten with them.
pub(crate) async fn forget_old(sql: &dyn Sql) -> Result<(), SqlError> {
    // No workspace: limits are the deployment's.
    let old = "SELECT bucket FROM sign_in_limits WHERE updated_at < NOW_MS() - ? LIMIT 100";
    // No workspace: limits are the deployment's.
    let delete = Statement::new("DELETE FROM sign_in_limits WHERE bucket = ? AND updated_at < NOW_MS() - ?");
    for row in sql.query(Statement::new(old).bind(DAY)).await? {
        sql.execute(delete.clone().bind(row.get::<String>(0)?).bind(DAY)).await?;
    }
    Ok(())
}

/// Takes the slot with the number `slot` for `holder`, for at most `lease_ms`; false where somebody has it.
pub(crate) async fn take_slot(sql: &dyn Sql, slot: i64, holder: &str, lease_ms: i64) -> Result<bool, SqlError> {
    // No workspace: limits are the deployment's.
    let take = Statement::new(
        "UPDATE hashing_slots SET taken_until = NOW_MS() + ?, holder = ? WHERE slot = ? AND taken_until <= NOW_MS()",
    )
    .bind(lease_ms)
    .bind(holder)
    .bind(slot);
    if sql.affected(take.clone()).await? > 0 {
        return Ok(true);
    }
    // No workspace: limits are the deployment's.
    let there = sql.query(Statement::new("SELECT slot FROM hashing_slots WHERE slot = ?").bind(slot)).await?;
    if !there.is_empty() {
        return Ok(false);
    }
    // No workspace: limits are the deployment's.
    match sql.execute(Statement::new("INSERT INTO hashing_slots (slot, taken_until) VALUES (?, 0)").bind(slot)).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => Ok(sql.affected(take).await? > 0),
        Err(error) => Err(error),
    }
}

/// Gives a slot back, if `holder` still has it.
pub(crate) async fn give_slot_back(sql: &dyn Sql, slot: i64, holder: &str) -> Result<(), SqlError> {
    // No workspace: limits are the deployment's.
    let statement = "UPDATE hashing_slots SET taken_until = 0, holder = NULL WHERE slot = ? AND holder = ?";
    sql.execute(Statement::new(statement).bind(slot).bind(holder)).await
}
