//! Workspaces, accounts, sessions and keys in SQL; the only place of this crate that knows their tables.
//!
//! Two look-ups are not bound to a workspace, because they are what finds it: an account by its address at sign-in, and a
//! refresh token by its hash.

use host::{
    Sql,
    sql::{DecodeError, Row, SqlError, Transaction, Value},
};
use ids::{SessionId, Timestamp, UserId, WorkspaceId};

use crate::{
    account::{Account, Status},
    hex::hex,
    permission::{Permissions, Role},
    principal::Principal,
    session::{NewSession, Session},
    token::AccessClaims,
};

/// The id of the one row of `signing_keys`.
const SIGNING_KEY: &str = "hs256";

/// Who is behind the claims of an access token, if their session goes on and their account is active.
pub(crate) async fn principal_of(
    sql: &dyn Sql,
    claims: AccessClaims,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let statement = "SELECT u.email, u.name, u.roles, w.name \
        FROM sessions s JOIN users u ON u.id = s.user_id JOIN workspaces w ON w.id = s.workspace_id \
        WHERE s.id = ? AND s.workspace_id = ? AND s.user_id = ? \
        AND s.revoked_at IS NULL AND s.expires_at > ? AND u.status = ?";
    let params = vec![
        text(claims.session),
        text(claims.workspace),
        text(claims.user),
        now.into(),
        Status::Active.as_str().into(),
    ];
    let rows = sql.query(statement, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let roles = roles(row, 2)?;
    Ok(Some(Principal {
        user: claims.user,
        email: row.get(0)?,
        name: row.get(1)?,
        workspace: claims.workspace,
        workspace_name: row.get(3)?,
        session: claims.session,
        permissions: Permissions::of(&roles),
        roles,
    }))
}

/// The account that signs in as `email`, which is in its one spelling.
pub(crate) async fn account_by_email(sql: &dyn Sql, email: &str) -> Result<Option<Account>, SqlError> {
    // No workspace: the address is what finds it.
    let statement = "SELECT u.id, u.workspace_id, w.name, u.email, u.name, u.password_hash, u.roles, u.status \
        FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE u.email = ?";
    sql.query(statement, vec![email.into()]).await?.first().map(|row| account(row, 0)).transpose()
}

/// A workspace and its first account, both or neither. A taken address is a [`SqlError::UniqueViolation`].
pub(crate) async fn insert_account(
    transaction: &mut dyn Transaction,
    account: &Account,
    now: Timestamp,
) -> Result<(), SqlError> {
    // No workspace: this is it.
    let statement = "INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)";
    let params = vec![text(account.workspace), account.workspace_name.as_str().into(), now.into()];
    transaction.execute(statement, params).await?;
    let statement = "INSERT INTO users \
        (id, workspace_id, email, name, password_hash, roles, status, created_at, updated_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let names: Vec<&str> = account.roles.iter().copied().map(Role::as_str).collect();
    let params = vec![
        text(account.user),
        text(account.workspace),
        account.email.as_str().into(),
        account.name.as_str().into(),
        account.password_hash.as_str().into(),
        serde_json::Value::from(names).to_string().into(),
        account.status.as_str().into(),
        now.into(),
        now.into(),
    ];
    transaction.execute(statement, params).await
}

/// Puts `password_hash` in place of the one that an account has, made with weaker parameters.
pub(crate) async fn update_password_hash(
    sql: &dyn Sql,
    account: &Account,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "UPDATE users SET password_hash = ?, updated_at = ? \
        WHERE id = ? AND workspace_id = ? AND password_hash = ?";
    let params = vec![
        password_hash.into(),
        now.into(),
        text(account.user),
        text(account.workspace),
        account.password_hash.as_str().into(),
    ];
    sql.execute(statement, params).await
}

/// A session and its first refresh token.
pub(crate) async fn insert_session(
    transaction: &mut dyn Transaction,
    session: &NewSession,
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "INSERT INTO sessions \
        (id, workspace_id, user_id, user_agent, address, created_at, last_used_at, expires_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let params = vec![
        text(session.id),
        text(session.workspace),
        text(session.user),
        session.device.user_agent.clone().into(),
        session.device.address.map(|address| address.to_string()).into(),
        now.into(),
        now.into(),
        session.expires_at.into(),
    ];
    transaction.execute(statement, params).await?;
    insert_refresh_token(transaction, session.workspace, session.id, &session.token_hash, now, session.expires_at).await
}

/// What a refresh token stands for.
pub(crate) struct Family {
    /// The session that the token belongs to.
    pub(crate) session: SessionId,
    /// Whose it is.
    pub(crate) account: Account,
    /// True where the token was exchanged before.
    pub(crate) used: bool,
    /// True where token and session are neither expired nor ended.
    pub(crate) alive: bool,
}

/// The family of the refresh token with `token_hash`.
pub(crate) async fn family_of(sql: &dyn Sql, token_hash: &str, now: Timestamp) -> Result<Option<Family>, SqlError> {
    // No workspace: the token is what finds it.
    let statement = "SELECT s.id, t.used_at, t.expires_at, s.expires_at, s.revoked_at, \
        u.id, u.workspace_id, w.name, u.email, u.name, u.password_hash, u.roles, u.status \
        FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
        JOIN users u ON u.id = s.user_id JOIN workspaces w ON w.id = u.workspace_id WHERE t.token_hash = ?";
    let rows = sql.query(statement, vec![token_hash.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let expired = row.get::<Timestamp>(2)? <= now || row.get::<Timestamp>(3)? <= now;
    let revoked = row.get::<Option<Timestamp>>(4)?.is_some();
    Ok(Some(Family {
        session: row.parse(0)?,
        account: account(row, 5)?,
        used: row.get::<Option<Timestamp>>(1)?.is_some(),
        alive: !expired && !revoked,
    }))
}

/// Exchanges one refresh token for the next; false where somebody else has exchanged it in the meantime.
pub(crate) async fn rotate(
    transaction: &mut dyn Transaction,
    family: &Family,
    (old_hash, new_hash): (&str, &str),
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, SqlError> {
    let workspace = family.account.workspace;
    let statement =
        "UPDATE refresh_tokens SET used_at = ? WHERE token_hash = ? AND workspace_id = ? AND used_at IS NULL";
    if transaction.affected(statement, vec![now.into(), old_hash.into(), text(workspace)]).await? == 0 {
        return Ok(false);
    }
    let statement = "UPDATE sessions SET last_used_at = ?, expires_at = ? \
        WHERE id = ? AND workspace_id = ? AND revoked_at IS NULL";
    let params = vec![now.into(), expires_at.into(), text(family.session), text(workspace)];
    if transaction.affected(statement, params).await? == 0 {
        return Ok(false);
    }
    insert_refresh_token(transaction, workspace, family.session, new_hash, now, expires_at).await?;
    Ok(true)
}

/// Forgets the sessions of `user` that have expired, and with them their tokens; of `session`, the tokens that have.
///
/// What is to go is read first, without locks, and deleted by its key. A `DELETE` by condition would lock the gaps around
/// what it looks for, even where it finds nothing, and the sign-ins of neighbours in the index would run into deadlocks.
pub(crate) async fn forget_expired(
    sql: &dyn Sql,
    (workspace, user, session): (WorkspaceId, UserId, SessionId),
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "SELECT id FROM sessions WHERE workspace_id = ? AND user_id = ? AND expires_at <= ? LIMIT 100";
    for row in sql.query(statement, vec![text(workspace), text(user), now.into()]).await? {
        let params = vec![row.get::<String>(0)?.into(), text(workspace)];
        sql.execute("DELETE FROM sessions WHERE id = ? AND workspace_id = ?", params).await?;
    }
    let statement = "SELECT token_hash FROM refresh_tokens \
        WHERE session_id = ? AND workspace_id = ? AND expires_at <= ? LIMIT 100";
    for row in sql.query(statement, vec![text(session), text(workspace), now.into()]).await? {
        let params = vec![row.get::<String>(0)?.into(), text(workspace)];
        sql.execute("DELETE FROM refresh_tokens WHERE token_hash = ? AND workspace_id = ?", params).await?;
    }
    Ok(())
}

async fn insert_refresh_token(
    transaction: &mut dyn Transaction,
    workspace: WorkspaceId,
    session: SessionId,
    token_hash: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), SqlError> {
    let statement = "INSERT INTO refresh_tokens (token_hash, workspace_id, session_id, created_at, expires_at) \
        VALUES (?, ?, ?, ?, ?)";
    let params = vec![token_hash.into(), text(workspace), text(session), now.into(), expires_at.into()];
    transaction.execute(statement, params).await
}

/// Ends a session of `user`; false where there is none of this id that goes on.
pub(crate) async fn revoke(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    user: UserId,
    session: SessionId,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let statement = "UPDATE sessions SET revoked_at = ? \
        WHERE id = ? AND workspace_id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?";
    let params = vec![now.into(), text(session), text(workspace), text(user), now.into()];
    Ok(sql.affected(statement, params).await? > 0)
}

/// The sessions of `user` that go on, newest first, from before `before`.
pub(crate) async fn sessions_of(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    user: UserId,
    before: Option<SessionId>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Session>, SqlError> {
    let mut statement = "SELECT id, user_agent, address, created_at, last_used_at, expires_at FROM sessions \
        WHERE workspace_id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?"
        .to_owned();
    let mut params = vec![text(workspace), text(user), now.into()];
    if let Some(before) = before {
        statement.push_str(" AND id < ?");
        params.push(text(before));
    }
    statement.push_str(" ORDER BY id DESC LIMIT ?");
    params.push(limit.into());
    sql.query(&statement, params).await?.iter().map(|row| session(row).map_err(SqlError::from)).collect()
}

/// The key of the deployment, if there is one yet.
pub(crate) async fn signing_key(sql: &dyn Sql) -> Result<Option<Vec<u8>>, SqlError> {
    // No workspace: the key is the deployment's.
    let rows = sql.query("SELECT secret FROM signing_keys WHERE id = ?", vec![SIGNING_KEY.into()]).await?;
    Ok(rows.first().map(|row| row.get::<String>(0)).transpose()?.map(String::into_bytes))
}

/// Keeps `fresh` as the key of the deployment, unless there is one by now. What counts is the key that is there afterwards.
pub(crate) async fn keep_signing_key(sql: &dyn Sql, fresh: &[u8; 32], now: Timestamp) -> Result<Vec<u8>, SqlError> {
    // No workspace: the key is the deployment's.
    let statement = "INSERT INTO signing_keys (id, secret, created_at) VALUES (?, ?, ?)";
    match sql.execute(statement, vec![SIGNING_KEY.into(), hex(fresh).into(), now.into()]).await {
        Ok(()) | Err(SqlError::UniqueViolation { .. }) => {}
        Err(error) => return Err(error),
    }
    signing_key(sql).await?.ok_or_else(|| SqlError::Statement { reason: "the signing key vanished".into() })
}

/// The account whose columns begin at `first`.
fn account(row: &Row, first: usize) -> Result<Account, SqlError> {
    Ok(Account {
        user: row.parse(first)?,
        workspace: row.parse(first + 1)?,
        workspace_name: row.get(first + 2)?,
        email: row.get(first + 3)?,
        name: row.get(first + 4)?,
        password_hash: row.get(first + 5)?,
        roles: roles(row, first + 6)?,
        status: row.parse(first + 7)?,
    })
}

fn session(row: &Row) -> Result<Session, DecodeError> {
    Ok(Session {
        id: row.parse(0)?,
        user_agent: row.get(1)?,
        address: row.get(2)?,
        created_at: row.get(3)?,
        last_used_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

/// A JSON array of role names. A name that this version does not know gives nothing; it does not lock its holder out.
fn roles(row: &Row, column: usize) -> Result<Vec<Role>, DecodeError> {
    let names: Vec<String> = serde_json::from_str(&row.get::<String>(column)?)
        .map_err(|_| DecodeError { column, expected: "a JSON array of role names" })?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn text(id: impl std::fmt::Display) -> Value {
    Value::Text(id.to_string())
}

#[cfg(test)]
mod tests;
