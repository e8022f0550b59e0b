//! Tokens for one purpose and one use, and the letters that bring them.

use host::sql::{Row, Sql, SqlError, Statement};
use ids::{NoticeId, Timestamp, UserId, WorkspaceId};

use crate::{
    account_token::{AccountToken, Purpose},
    notice::Notice,
};

/// A token; its hash is kept, not the token.
pub(crate) fn insert(token: &AccountToken, token_hash: &str, now: Timestamp) -> Statement {
    let statement = "INSERT INTO account_tokens \
        (id, token_hash, workspace_id, user_id, purpose, email, role, created_at, expires_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    Statement::new(statement)
        .bind(token.id)
        .bind(token_hash)
        .bind(token.workspace)
        .bind(token.user)
        .bind(token.purpose)
        .bind(token.email.clone())
        .bind(token.role)
        .bind(now)
        .bind(token.expires_at)
}

/// The token with `token_hash`, if it is for `purpose`, good at `now` and unused.
pub(crate) async fn find(
    sql: &dyn Sql,
    token_hash: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<AccountToken>, SqlError> {
    // No workspace: the token is what finds it.
    let statement = "SELECT id, workspace_id, user_id, email, role, expires_at FROM account_tokens \
        WHERE token_hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?";
    let rows = sql.query(Statement::new(statement).bind(token_hash).bind(purpose).bind(now)).await?;
    rows.first().map(|row| token(row, purpose)).transpose()
}

fn token(row: &Row, purpose: Purpose) -> Result<AccountToken, SqlError> {
    Ok(AccountToken {
        id: row.get(0)?,
        workspace: row.get(1)?,
        user: row.get(2)?,
        purpose,
        email: row.get(3)?,
        role: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

/// Uses a token up, if nobody has done so in the meantime.
pub(crate) fn use_up(token: &AccountToken, now: Timestamp) -> Statement {
    let statement = "UPDATE account_tokens SET used_at = ? WHERE id = ? AND workspace_id = ? AND used_at IS NULL";
    Statement::new(statement).bind(now).bind(token.id).bind(token.workspace)
}

/// Uses up all tokens of `user` for `purpose`: when a password has been reset, an older letter must not reset it again.
pub(crate) fn use_up_all(workspace: WorkspaceId, user: UserId, purpose: Purpose, now: Timestamp) -> Statement {
    let statement = "UPDATE account_tokens SET used_at = ? \
        WHERE workspace_id = ? AND user_id = ? AND purpose = ? AND used_at IS NULL";
    Statement::new(statement).bind(now).bind(workspace).bind(user).bind(purpose)
}

/// A letter that is to be sent.
pub(crate) fn insert_notice(notice: &Notice, now: Timestamp) -> Statement {
    let statement = "INSERT INTO notices \
        (id, workspace_id, user_id, kind, recipient, token_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    Statement::new(statement)
        .bind(notice.id)
        .bind(notice.workspace)
        .bind(notice.user)
        .bind(notice.kind)
        .bind(notice.recipient.as_str())
        .bind(notice.token)
        .bind(now)
        .bind(notice.expires_at)
}

/// A letter as it is kept, and the hash of its token where that is good and unused.
pub(crate) struct KeptNotice {
    pub(crate) notice: Notice,
    pub(crate) created_at: Timestamp,
    pub(crate) token_hash: Option<String>,
}

/// At most `limit` letters of all workspaces that are of use at `now`, newest first, from before `before`.
pub(crate) async fn notices(
    sql: &dyn Sql,
    before: Option<NoticeId>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<KeptNotice>, SqlError> {
    // No workspace: whoever runs the deployment reads the letters of all.
    let mut statement = Statement::new(
        "SELECT n.id, n.workspace_id, n.user_id, n.kind, n.recipient, n.token_id, n.created_at, n.expires_at, t.token_hash \
        FROM notices n LEFT JOIN account_tokens t ON t.id = n.token_id AND t.used_at IS NULL WHERE n.expires_at > ?",
    )
    .bind(now);
    if let Some(before) = before {
        statement = statement.push(" AND n.id < ?").bind(before);
    }
    let statement = statement.push(" ORDER BY n.id DESC LIMIT ?").bind(limit);
    sql.query(statement).await?.iter().map(kept_notice).collect()
}

fn kept_notice(row: &Row) -> Result<KeptNotice, SqlError> {
    let notice = Notice {
        id: row.get(0)?,
        workspace: row.get(1)?,
        user: row.get(2)?,
        kind: row.get(3)?,
        recipient: row.get(4)?,
        token: row.get(5)?,
        expires_at: row.get(7)?,
    };
    Ok(KeptNotice { notice, created_at: row.get(6)?, token_hash: row.get(8)? })
}

/// Forgets tokens and letters that have expired, some at a time. Read first and deleted by key, as sessions are.
pub(crate) async fn forget_expired(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    // No workspace: time passes for all of them.
    let select = "SELECT id FROM notices WHERE expires_at <= ? LIMIT 100";
    for row in sql.query(Statement::new(select).bind(now)).await? {
        // No workspace: the row was just read.
        sql.execute(Statement::new("DELETE FROM notices WHERE id = ?").bind(row.get::<String>(0)?)).await?;
    }
    // No workspace: as above.
    let select = "SELECT id FROM account_tokens WHERE expires_at <= ? LIMIT 100";
    for row in sql.query(Statement::new(select).bind(now)).await? {
        // No workspace: the row was just read.
        sql.execute(Statement::new("DELETE FROM account_tokens WHERE id = ?").bind(row.get::<String>(0)?)).await?;
    }
    Ok(())
}
