//! Sessions and their refresh tokens.

use host::sql::{DecodeError, Row, Sql, SqlError, Statement};
use ids::{SessionId, Timestamp, UserId, WorkspaceId};

use super::{ACCOUNT, account, roles};
use crate::{
    account::{Account, Status},
    permission::Permissions,
    principal::Principal,
    session::{NewSession, Session},
    token::AccessClaims,
};

/// Who is behind the claims of an access token, if their session goes on and their account is active.
pub(crate) async fn principal_of(
    sql: &dyn Sql,
    claims: AccessClaims,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let statement = "SELECT u.email, u.name, u.roles, w.name, u.email_verified_at \
        FROM sessions s JOIN users u ON u.id = s.user_id JOIN workspaces w ON w.id = s.workspace_id \
        WHERE s.id = ? AND s.workspace_id = ? AND s.user_id = ? \
        AND s.revoked_at IS NULL AND s.expires_at > ? AND u.status = ?";
    let rows = sql
        .query(
            Statement::new(statement)
                .bind(claims.session)
                .bind(claims.workspace)
                .bind(claims.user)
                .bind(now)
                .bind(Status::Active),
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let roles = roles(row, 2)?;
    Ok(Some(Principal {
        user: claims.user,
        email: row.get(0)?,
        email_verified: row.get::<Option<Timestamp>>(4)?.is_some(),
        name: row.get(1)?,
        workspace: claims.workspace,
        workspace_name: row.get(3)?,
        session: claims.session,
        permissions: Permissions::of(&roles),
        roles,
    }))
}

/// A session and its first refresh token, in this order.
pub(crate) fn insert(session: &NewSession, now: Timestamp) -> [Statement; 2] {
    let statement = "INSERT INTO sessions \
        (id, workspace_id, user_id, user_agent, address, created_at, last_used_at, expires_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let token = (session.token_hash.as_str(), session.workspace, session.id);
    [
        Statement::new(statement)
            .bind(session.id)
            .bind(session.workspace)
            .bind(session.user)
            .bind(session.device.user_agent.clone())
            .bind(session.device.address.map(|address| address.to_string()))
            .bind(now)
            .bind(now)
            .bind(session.expires_at),
        insert_refresh_token(token, now, session.expires_at),
    ]
}

/// What a refresh token stands for.
pub(crate) struct Family {
    /// The session that the token belongs to.
    pub(crate) session: SessionId,
    /// When the session began.
    pub(crate) began_at: Timestamp,
    /// Whose it is.
    pub(crate) account: Account,
    /// When the token was made.
    pub(crate) made_at: Timestamp,
    /// How long ago the token was exchanged, in milliseconds by the database's clock, where it was.
    pub(crate) exchanged_for_ms: Option<i64>,
    /// True where token and session are neither expired nor ended.
    pub(crate) alive: bool,
}

/// The family of the refresh token with `token_hash`.
pub(crate) async fn family_of(sql: &dyn Sql, token_hash: &str, now: Timestamp) -> Result<Option<Family>, SqlError> {
    // No workspace: the token is what finds it.
    let statement = format!(
        "SELECT s.id, s.created_at, t.created_at, NOW_MS() - t.used_at, t.expires_at, s.expires_at, s.revoked_at, \
        {ACCOUNT} FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
        JOIN users u ON u.id = s.user_id JOIN workspaces w ON w.id = u.workspace_id WHERE t.token_hash = ?"
    );
    let rows = sql.query(Statement::new(statement).bind(token_hash)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let expired = row.get::<Timestamp>(4)? <= now || row.get::<Timestamp>(5)? <= now;
    let revoked = row.get::<Option<Timestamp>>(6)?.is_some();
    Ok(Some(Family {
        session: row.get(0)?,
        began_at: row.get(1)?,
        made_at: row.get(2)?,
        exchanged_for_ms: row.get(3)?,
        alive: !expired && !revoked,
        account: account(row, 7)?,
    }))
}

/// Exchanges one refresh token for the next; false where somebody else has exchanged it, or ended the session, in the
/// meantime. When it was exchanged is told by the database's clock, because another host may ask.
pub(crate) async fn rotate(
    sql: &dyn Sql,
    family: &Family,
    (old_hash, new_hash): (&str, &str),
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, SqlError> {
    let use_up =
        "UPDATE refresh_tokens SET used_at = NOW_MS() WHERE token_hash = ? AND workspace_id = ? AND used_at IS NULL";
    let prolong = "UPDATE sessions SET last_used_at = ?, expires_at = ? \
        WHERE id = ? AND workspace_id = ? AND revoked_at IS NULL";
    let workspace = family.account.workspace;
    sql.all_or_none(vec![
        Statement::new(use_up).bind(old_hash).bind(workspace),
        Statement::new(prolong).bind(now).bind(expires_at).bind(family.session).bind(workspace),
        insert_refresh_token((new_hash, workspace, family.session), now, expires_at),
    ])
    .await
}

fn insert_refresh_token(
    (token_hash, workspace, session): (&str, WorkspaceId, SessionId),
    now: Timestamp,
    expires_at: Timestamp,
) -> Statement {
    let statement = "INSERT INTO refresh_tokens (token_hash, workspace_id, session_id, created_at, expires_at) \
        VALUES (?, ?, ?, ?, ?)";
    Statement::new(statement).bind(token_hash).bind(workspace).bind(session).bind(now).bind(expires_at)
}

/// Forgets the sessions of `user` that have expired, and with them their tokens; of `session`, the tokens that have.
///
/// What is to go is read first, without locks, and deleted by its key. A `DELETE` by condition alone would lock the gaps
/// around what it looks for, even where it finds nothing, and the sign-ins of neighbours in the index would run into
/// deadlocks. The condition is looked at again when it is deleted: a refresh may have prolonged the session in between.
pub(crate) async fn forget_expired(
    sql: &dyn Sql,
    (workspace, user, session): (WorkspaceId, UserId, SessionId),
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "SELECT id FROM sessions WHERE workspace_id = ? AND user_id = ? AND expires_at <= ? LIMIT 100";
    for row in sql.query(Statement::new(statement).bind(workspace).bind(user).bind(now)).await? {
        forget_session(sql, workspace, row.get(0)?, now).await?;
    }
    let statement = "SELECT token_hash FROM refresh_tokens \
        WHERE session_id = ? AND workspace_id = ? AND expires_at <= ? LIMIT 100";
    for row in sql.query(Statement::new(statement).bind(session).bind(workspace).bind(now)).await? {
        sql.execute(
            Statement::new("DELETE FROM refresh_tokens WHERE token_hash = ? AND workspace_id = ? AND expires_at <= ?")
                .bind(row.get::<String>(0)?)
                .bind(workspace)
                .bind(now),
        )
        .await?;
    }
    Ok(())
}

/// Forgets a session, if it has expired by `now`.
pub(super) async fn forget_session(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    session: SessionId,
    now: Timestamp,
) -> Result<(), SqlError> {
    let statement = "DELETE FROM sessions WHERE id = ? AND workspace_id = ? AND expires_at <= ?";
    sql.execute(Statement::new(statement).bind(session).bind(workspace).bind(now)).await
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
    Ok(sql.affected(Statement::new(statement).bind(now).bind(session).bind(workspace).bind(user).bind(now)).await? > 0)
}

/// Ends all sessions of `user` but `except`, whether there are any or not.
pub(crate) fn revoke_all(workspace: WorkspaceId, user: UserId, except: Option<SessionId>, now: Timestamp) -> Statement {
    let statement = "UPDATE sessions SET revoked_at = ? \
        WHERE workspace_id = ? AND user_id = ? AND revoked_at IS NULL AND id <> ?";
    let except = except.map(|session| session.to_string()).unwrap_or_default();
    Statement::new(statement).bind(now).bind(workspace).bind(user).bind(except)
}

/// The sessions of `user` that go on, newest first, from before `before`.
pub(crate) async fn of_user(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    user: UserId,
    before: Option<SessionId>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Session>, SqlError> {
    let mut statement = Statement::new(
        "SELECT id, user_agent, address, created_at, last_used_at, expires_at FROM sessions \
        WHERE workspace_id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?",
    )
    .bind(workspace)
    .bind(user)
    .bind(now);
    if let Some(before) = before {
        statement = statement.push(" AND id < ?").bind(before);
    }
    let statement = statement.push(" ORDER BY id DESC LIMIT ?").bind(limit);
    sql.query(statement).await?.iter().map(|row| session(row).map_err(SqlError::from)).collect()
}

fn session(row: &Row) -> Result<Session, DecodeError> {
    Ok(Session {
        id: row.get(0)?,
        user_agent: row.get(1)?,
        address: row.get(2)?,
        created_at: row.get(3)?,
        last_used_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}
