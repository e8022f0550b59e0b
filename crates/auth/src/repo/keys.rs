//! The key that the database keeps where the settings give none.

use host::{
    Sql,
    sql::{SqlError, Statement},
};
use ids::Timestamp;

use crate::hex::hex;

/// The id of the one row of `signing_keys`.
const SIGNING_KEY: &str = "hs256";

/// The key of the deployment, if there is one yet.
pub(crate) async fn signing_key(sql: &dyn Sql) -> Result<Option<Vec<u8>>, SqlError> {
    // No workspace: the key is the deployment's.
    let rows = sql.query(Statement::new("SELECT secret FROM signing_keys WHERE id = ?").bind(SIGNING_KEY)).await?;
    Ok(rows.first().map(|row| row.get::<String>(0)).transpose()?.map(String::into_bytes))
}

/// Keeps `fresh` as the key of the deployment, unless there is one by now. What counts is the key that is there afterwards.
pub(crate) async fn keep_signing_key(sql: &dyn Sql, fresh: &[u8; 32], now: Timestamp) -> Result<Vec<u8>, SqlError> {
    // No workspace: the key is the deployment's.
    let statement = "INSERT INTO signing_keys (id, secret, created_at) VALUES (?, ?, ?)";
    match sql.execute(Statement::new(statement).bind(SIGNING_KEY).bind(hex(fresh)).bind(now)).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => {}
        Err(error) => return Err(error),
    }
    signing_key(sql).await?.ok_or_else(|| SqlError::Statement { reason: "the signing key vanished".into() })
}
