//! How fast somebody may guess, and how many passwords are hashed at a time. All by the database's clock.

use host::{
    Sql, params,
    sql::{SqlError, Statement},
};

use crate::limits::{Bucket, LOCKOUT, State};

/// Takes one attempt out of each of `buckets`; false, and nothing is taken, where one has none left, is locked or is not there.
pub(crate) async fn take(sql: &dyn Sql, buckets: &[Bucket]) -> Result<bool, SqlError> {
    let now = sql.dialect().now_ms();
    // No workspace: limits are the deployment's.
    let statement = format!(
        "UPDATE sign_in_limits SET drained_at = CASE WHEN drained_at > {now} THEN drained_at ELSE {now} END + ?, \
         updated_at = {now} WHERE bucket = ? AND drained_at <= {now} + ? AND locked_until <= {now}"
    );
    let take = |bucket: &Bucket| {
        Statement::new(statement.clone(), params![bucket.interval_ms, bucket.key.as_str(), bucket.tolerance_ms()])
    };
    sql.all_or_none(buckets.iter().map(take).collect()).await
}

/// What is in those of `buckets` that are there.
pub(crate) async fn states(sql: &dyn Sql, buckets: &[Bucket]) -> Result<Vec<State>, SqlError> {
    let now = sql.dialect().now_ms();
    let marks = vec!["?"; buckets.len()].join(", ");
    // No workspace: limits are the deployment's.
    let statement = format!(
        "SELECT bucket, drained_at - {now}, locked_until - {now} FROM sign_in_limits WHERE bucket IN ({marks})"
    );
    let rows = sql.query(&statement, buckets.iter().map(|bucket| bucket.key.as_str().into()).collect()).await?;
    let state =
        |row: &host::sql::Row| Ok(State { key: row.get(0)?, drained_in_ms: row.get(1)?, locked_for_ms: row.get(2)? });
    rows.iter().map(state).collect()
}

/// Makes an empty bucket, if it is not there.
pub(crate) async fn make(sql: &dyn Sql, bucket: &Bucket) -> Result<(), SqlError> {
    let now = sql.dialect().now_ms();
    // No workspace: limits are the deployment's.
    let statement = format!(
        "INSERT INTO sign_in_limits (bucket, drained_at, failures, locked_until, updated_at) VALUES (?, 0, 0, 0, {now})"
    );
    match sql.execute(&statement, params![bucket.key.as_str()]).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives back what [`take`] took: who was right guessed nothing.
pub(crate) fn give_back(bucket: &Bucket) -> Statement {
    // No workspace: limits are the deployment's.
    let statement =
        "UPDATE sign_in_limits SET drained_at = drained_at - ?, failures = 0, locked_until = 0 WHERE bucket = ?";
    Statement::new(statement, params![bucket.interval_ms, bucket.key.as_str()])
}

/// Counts a wrong password, and from some on locks the bucket, each time for twice as long, up to a longest time.
pub(crate) fn count_failure(sql: &dyn Sql, bucket: &Bucket) -> Statement {
    let now = sql.dialect().now_ms();
    // MariaDB sees in an assignment what those before it did, SQLite does not: so the count comes last.
    // No workspace: limits are the deployment's.
    let statement = format!(
        "UPDATE sign_in_limits SET locked_until = CASE WHEN failures + 1 < {free} THEN 0 \
         WHEN failures + 1 - {free} >= {doublings} THEN {now} + {longest} \
         ELSE {now} + ({first} << (failures + 1 - {free})) END, failures = failures + 1 WHERE bucket = ?",
        free = LOCKOUT.free_failures,
        doublings = LOCKOUT.doublings(),
        longest = LOCKOUT.longest_ms,
        first = LOCKOUT.first_ms,
    );
    Statement::new(statement, params![bucket.key.as_str()])
}

/// Forgets buckets that nobody has asked for in a day: by then they are empty, and failures are forgotten with them.
pub(crate) async fn forget_old(sql: &dyn Sql) -> Result<(), SqlError> {
    let old = format!("{} - {}", sql.dialect().now_ms(), 24 * 60 * 60 * 1000);
    // No workspace: limits are the deployment's.
    let statement = format!("SELECT bucket FROM sign_in_limits WHERE updated_at < {old} LIMIT 100");
    // No workspace: limits are the deployment's.
    let delete = format!("DELETE FROM sign_in_limits WHERE bucket = ? AND updated_at < {old}");
    for row in sql.query(&statement, Vec::new()).await? {
        sql.execute(&delete, params![row.get::<String>(0)?]).await?;
    }
    Ok(())
}

/// Takes the slot with the number `slot` for `holder`, for at most `lease_ms`; false where somebody has it.
pub(crate) async fn take_slot(sql: &dyn Sql, slot: i64, holder: &str, lease_ms: i64) -> Result<bool, SqlError> {
    let now = sql.dialect().now_ms();
    let statement =
        // No workspace: limits are the deployment's.
        format!("UPDATE hashing_slots SET taken_until = {now} + ?, holder = ? WHERE slot = ? AND taken_until <= {now}");
    let params = params![lease_ms, holder, slot];
    if sql.affected(&statement, params.clone()).await? > 0 {
        return Ok(true);
    }
    // No workspace: limits are the deployment's.
    let there = sql.query("SELECT slot FROM hashing_slots WHERE slot = ?", params![slot]).await?;
    if !there.is_empty() {
        return Ok(false);
    }
    // No workspace: limits are the deployment's.
    match sql.execute("INSERT INTO hashing_slots (slot, taken_until) VALUES (?, 0)", params![slot]).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => Ok(sql.affected(&statement, params).await? > 0),
        Err(error) => Err(error),
    }
}

/// Gives a slot back, if `holder` still has it.
pub(crate) async fn give_slot_back(sql: &dyn Sql, slot: i64, holder: &str) -> Result<(), SqlError> {
    // No workspace: limits are the deployment's.
    let statement = "UPDATE hashing_slots SET taken_until = 0, holder = NULL WHERE slot = ? AND holder = ?";
    sql.execute(statement, params![slot, holder]).await
}
