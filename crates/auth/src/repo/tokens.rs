//! Tokens for one purpose and one use, and the letters that bring them.

use host::{
    Sql, params,
    sql::{Row, SqlError, Statement},
};
use ids::{AccountTokenId, NoticeId, Timestamp, UserId, WorkspaceId};

use super::text;
use crate::{
    account_token::{AccountToken, Purpose},
    notice::Notice,
};

/// A token; its hash is kept, not the token.
pub(crate) fn insert(token: &AccountToken, token_hash: &str, now: Timestamp) -> Statement {
    let statement = "INSERT INTO account_tokens \
        (id, token_hash, workspace_id, user_id, purpose, email, role, created_at, expires_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let params = params![
        text(token.id),
        token_hash,
        text(token.workspace),
        token.user.map(text),
        token.purpose.as_str(),
        token.email.clone(),
        token.role.map(|role| role.as_str()),
        now,
        token.expires_at,
    ];
    Statement::new(statement, params)
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
    let rows = sql.query(statement, params![token_hash, purpose.as_str(), now]).await?;
    rows.first().map(|row| token(row, purpose)).transpose()
}

fn token(row: &Row, purpose: Purpose) -> Result<AccountToken, SqlError> {
    let parse_optional = |column| -> Result<Option<String>, SqlError> { Ok(row.get(column)?) };
    Ok(AccountToken {
        id: row.parse(0)?,
        workspace: row.parse(1)?,
        user: parse_optional(2)?.map(|_| row.parse(2)).transpose()?,
        purpose,
        email: parse_optional(3)?,
        role: parse_optional(4)?.map(|_| row.parse(4)).transpose()?,
        expires_at: row.get(5)?,
    })
}

/// Uses a token up, if nobody has done so in the meantime.
pub(crate) fn use_up(token: &AccountToken, now: Timestamp) -> Statement {
    let statement = "UPDATE account_tokens SET used_at = ? WHERE id = ? AND workspace_id = ? AND used_at IS NULL";
    Statement::new(statement, params![now, text(token.id), text(token.workspace)])
}

/// Uses up all tokens of `user` for `purpose`: when a password has been reset, an older letter must not reset it again.
pub(crate) fn use_up_all(workspace: WorkspaceId, user: UserId, purpose: Purpose, now: Timestamp) -> Statement {
    let statement = "UPDATE account_tokens SET used_at = ? \
        WHERE workspace_id = ? AND user_id = ? AND purpose = ? AND used_at IS NULL";
    Statement::new(statement, params![now, text(workspace), text(user), purpose.as_str()])
}

/// A letter that is to be sent.
pub(crate) fn insert_notice(notice: &Notice, now: Timestamp) -> Statement {
    let statement = "INSERT INTO notices \
        (id, workspace_id, user_id, kind, recipient, token_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let params = params![
        text(notice.id),
        text(notice.workspace),
        notice.user.map(text),
        notice.kind.as_str(),
        notice.recipient.as_str(),
        notice.token.map(text),
        now,
        notice.expires_at,
    ];
    Statement::new(statement, params)
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
    let mut statement = "SELECT n.id, n.workspace_id, n.user_id, n.kind, n.recipient, n.token_id, n.created_at, \
        n.expires_at, t.token_hash FROM notices n LEFT JOIN account_tokens t ON t.id = n.token_id AND t.used_at IS NULL \
        WHERE n.expires_at > ?"
        .to_owned();
    let mut params = params![now];
    if let Some(before) = before {
        statement.push_str(" AND n.id < ?");
        params.push(text(before));
    }
    statement.push_str(" ORDER BY n.id DESC LIMIT ?");
    params.push(limit.into());
    sql.query(&statement, params).await?.iter().map(kept_notice).collect()
}

fn kept_notice(row: &Row) -> Result<KeptNotice, SqlError> {
    let user: Option<String> = row.get(2)?;
    let token: Option<String> = row.get(5)?;
    let notice = Notice {
        id: row.parse(0)?,
        workspace: row.parse(1)?,
        user: user.map(|_| row.parse::<UserId>(2)).transpose()?,
        kind: row.parse(3)?,
        recipient: row.get(4)?,
        token: token.map(|_| row.parse::<AccountTokenId>(5)).transpose()?,
        expires_at: row.get(7)?,
    };
    Ok(KeptNotice { notice, created_at: row.get(6)?, token_hash: row.get(8)? })
}

/// Forgets tokens and letters that have expired, some at a time. Read first and deleted by key, as sessions are.
pub(crate) async fn forget_expired(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    // No workspace: time passes for all of them.
    let select = "SELECT id FROM notices WHERE expires_at <= ? LIMIT 100";
    for row in sql.query(select, params![now]).await? {
        // No workspace: the row was just read.
        sql.execute("DELETE FROM notices WHERE id = ?", params![row.get::<String>(0)?]).await?;
    }
    // No workspace: as above.
    let select = "SELECT id FROM account_tokens WHERE expires_at <= ? LIMIT 100";
    for row in sql.query(select, params![now]).await? {
        // No workspace: the row was just read.
        sql.execute("DELETE FROM account_tokens WHERE id = ?", params![row.get::<String>(0)?]).await?;
    }
    Ok(())
}
