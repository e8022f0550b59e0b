//! Workspaces and accounts.

use host::sql::{Sql, SqlError, Statement};
use ids::{Timestamp, UserId, WorkspaceId};

use super::{ACCOUNT, account};
use crate::account::{Account, Status};

/// The account that signs in as `email`, which is in its one spelling.
pub(crate) async fn by_email(sql: &dyn Sql, email: &str) -> Result<Option<Account>, SqlError> {
    // No workspace: the address is what finds it.
    let statement =
        format!("SELECT {ACCOUNT} FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE u.email = ?");
    sql.query(Statement::new(statement).bind(email)).await?.first().map(|row| account(row, 0)).transpose()
}

/// The account of `user`.
pub(crate) async fn by_id(sql: &dyn Sql, workspace: WorkspaceId, user: UserId) -> Result<Option<Account>, SqlError> {
    let statement = format!(
        "SELECT {ACCOUNT} FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE u.workspace_id = ? AND u.id = ?"
    );
    sql.query(Statement::new(statement).bind(workspace).bind(user))
        .await?
        .first()
        .map(|row| account(row, 0))
        .transpose()
}

/// At most `limit` accounts of a workspace in the order of their ids, from after `after` on, and when each was opened.
pub(crate) async fn of_workspace(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<(Account, Timestamp)>, SqlError> {
    let statement = format!(
        "SELECT {ACCOUNT}, u.created_at FROM users u JOIN workspaces w ON w.id = u.workspace_id \
         WHERE u.workspace_id = ? AND u.id > ? ORDER BY u.id LIMIT ?"
    );
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows = sql.query(Statement::new(statement).bind(workspace).bind(after).bind(limit)).await?;
    rows.iter().map(|row| Ok((account(row, 0)?, row.get(9)?))).collect()
}

/// What a workspace is called, if it is there.
pub(crate) async fn workspace_name(sql: &dyn Sql, workspace: WorkspaceId) -> Result<Option<String>, SqlError> {
    // No workspace: it is asked for by its id.
    let rows = sql.query(Statement::new("SELECT name FROM workspaces WHERE id = ?").bind(workspace)).await?;
    Ok(rows.first().map(|row| row.get(0)).transpose()?)
}

/// A workspace.
pub(crate) fn insert_workspace(account: &Account, now: Timestamp) -> Statement {
    // No workspace: this is it.
    Statement::new("INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)")
        .bind(account.workspace)
        .bind(account.workspace_name.as_str())
        .bind(now)
}

/// An account in a workspace that is there. A taken address is a [`SqlError::UniqueViolation`].
pub(crate) fn insert(account: &Account, now: Timestamp) -> Statement {
    let statement = "INSERT INTO users \
        (id, workspace_id, email, name, password_hash, roles, status, email_verified_at, created_at, updated_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let names: Vec<&str> = account.roles.iter().map(Into::into).collect();
    Statement::new(statement)
        .bind(account.user)
        .bind(account.workspace)
        .bind(account.email.as_str())
        .bind(account.name.as_str())
        .bind(account.password_hash.as_str())
        .bind(serde_json::Value::from(names).to_string())
        .bind(account.status)
        .bind(account.email_verified_at)
        .bind(now)
        .bind(now)
}

/// Puts `password_hash` in place of the one that an account has, if it still has that.
pub(crate) fn replace_password_hash(account: &Account, password_hash: &str, now: Timestamp) -> Statement {
    let statement = "UPDATE users SET password_hash = ?, updated_at = ? \
        WHERE id = ? AND workspace_id = ? AND password_hash = ?";
    Statement::new(statement)
        .bind(password_hash)
        .bind(now)
        .bind(account.user)
        .bind(account.workspace)
        .bind(account.password_hash.as_str())
}

/// Gives an account a status.
pub(crate) fn set_status(workspace: WorkspaceId, user: UserId, status: Status, now: Timestamp) -> Statement {
    let statement = "UPDATE users SET status = ?, updated_at = ? WHERE id = ? AND workspace_id = ?";
    Statement::new(statement).bind(status).bind(now).bind(user).bind(workspace)
}

/// Notes that the address of an account is its holder's.
pub(crate) fn verify_email(workspace: WorkspaceId, user: UserId, now: Timestamp) -> Statement {
    let statement = "UPDATE users SET email_verified_at = ?, updated_at = ? WHERE id = ? AND workspace_id = ?";
    Statement::new(statement).bind(now).bind(now).bind(user).bind(workspace)
}

/// Deletes an account, and with it its sessions and tokens.
pub(crate) fn delete(workspace: WorkspaceId, user: UserId) -> Statement {
    Statement::new("DELETE FROM users WHERE id = ? AND workspace_id = ?").bind(user).bind(workspace)
}
