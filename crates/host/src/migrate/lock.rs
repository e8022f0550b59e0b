//! The lock under which the schema is changed, on MariaDB.

use crate::sql::{SqlError, Statement, Transaction};

/// The lock's name holds the database's, since MariaDB's locks belong to the whole server.
const TAKE: &str = "SELECT GET_LOCK(CONCAT('kowai schema ', MD5(DATABASE())), 0)";
const FREE: &str = "SELECT RELEASE_LOCK(CONCAT('kowai schema ', MD5(DATABASE())))";

/// Takes the lock for `connection` without waiting; false where somebody else has it. It ends with the connection.
pub(super) async fn take(connection: &mut dyn Transaction) -> Result<bool, SqlError> {
    let rows = connection.query(Statement::new(TAKE)).await?;
    let is_ours: Option<i64> = rows.first().map_or(Ok(None), |row| row.get(0))?;
    Ok(is_ours == Some(1))
}

/// Gives the lock back, sooner than the end of `connection` would.
pub(super) async fn free(connection: &mut dyn Transaction) {
    if let Err(error) = connection.query(Statement::new(FREE)).await {
        tracing::debug!(%error, "the schema lock ends with its connection");
    }
}
