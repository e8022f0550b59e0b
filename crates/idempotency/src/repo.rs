//! The table `idempotency_keys`.

use host::sql::{Sql, SqlError, Statement, Value};
use ids::Timestamp;

use crate::{Attempt, KEPT_FOR, Owner};

/// How many expired keys are deleted at once.
const SWEPT_AT_ONCE: i64 = 500;

/// What the first request with a key was, and came to.
pub(crate) struct First {
    pub(crate) fingerprint: String,
    pub(crate) outcome: String,
    pub(crate) expires_at: Timestamp,
}

/// What remembers that `attempt` came to `outcome`; where its key is known already it violates a unique key.
pub(crate) fn insert(owner: Owner, attempt: &Attempt, outcome: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO idempotency_keys (workspace_id, user_id, key_hash, fingerprint, outcome, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind_all(by_key(owner, attempt))
    .bind(attempt.fingerprint())
    .bind(outcome)
    .bind(now)
    .bind(now + KEPT_FOR)
}

pub(crate) async fn find(sql: &dyn Sql, owner: Owner, attempt: &Attempt) -> Result<Option<First>, SqlError> {
    let statement = "SELECT fingerprint, outcome, expires_at FROM idempotency_keys \
                     WHERE workspace_id = ? AND user_id = ? AND key_hash = ?";
    let rows = sql.query(Statement::new(statement).bind_all(by_key(owner, attempt))).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(First { fingerprint: row.get(0)?, outcome: row.get(1)?, expires_at: row.get(2)? }))
}

/// Deletes what is known of a key, if that has expired.
pub(crate) async fn delete_expired(
    sql: &dyn Sql,
    owner: Owner,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "DELETE FROM idempotency_keys \
                     WHERE workspace_id = ? AND user_id = ? AND key_hash = ? AND expires_at <= ?";
    sql.execute(Statement::new(statement).bind_all(by_key(owner, attempt)).bind(now)).await
}

/// Deletes the oldest of those that have expired, of all workspaces: this is upkeep.
pub(crate) async fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    // No workspace: keys expire in all of them alike. Neither database deletes "at most so many" in the words of the other.
    let oldest = "SELECT MAX(expires_at) FROM (SELECT expires_at FROM idempotency_keys WHERE expires_at <= ? \
                  ORDER BY expires_at LIMIT ?) AS oldest";
    let rows = sql.query(Statement::new(oldest).bind(now).bind(SWEPT_AT_ONCE)).await?;
    let Some(up_to) = rows.first().map_or(Ok(None), |row| row.get::<Option<i64>>(0))? else { return Ok(()) };
    // No workspace: as above.
    sql.execute(Statement::new("DELETE FROM idempotency_keys WHERE expires_at <= ?").bind(up_to)).await
}

fn by_key(owner: Owner, attempt: &Attempt) -> [Value; 3] {
    [owner.workspace.into(), owner.user.into(), attempt.key_hash().into()]
}
