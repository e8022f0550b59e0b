//! Ending sessions, and seeing them.

use host::sql::SqlError;
use ids::SessionId;
use secrecy::SecretString;

use super::{AccountError, Accounts};
use crate::{
    account::Account, authenticator::AuthenticateError, principal::Principal, refresh::RefreshToken, repo,
    session::Session,
};

impl Accounts {
    /// Ends the session that an access token came from, whether the token has expired or not: who wants to leave is let go.
    pub async fn sign_out_with_access_token(&self, token: &str) -> Result<(), AuthenticateError> {
        let now = self.host.now();
        let claims = self.authenticator.keys(now).await?.verify(token)?;
        repo::sessions::revoke(&*self.host.sql, claims.workspace, claims.user, claims.session, now).await?;
        self.authenticator.forget(claims.session);
        Ok(())
    }

    /// Ends the session that a refresh token belongs to.
    pub async fn sign_out_with_refresh_token(&self, token: &SecretString) -> Result<(), AccountError> {
        let now = self.host.now();
        let hash = RefreshToken::parse(token).ok_or(AccountError::InvalidRefreshToken)?.hash();
        let family = repo::sessions::family_of(&*self.host.sql, &hash, now).await?;
        let family = family.ok_or(AccountError::InvalidRefreshToken)?;
        let Account { workspace, user, .. } = family.account;
        repo::sessions::revoke(&*self.host.sql, workspace, user, family.session, now).await?;
        self.authenticator.forget(family.session);
        Ok(())
    }

    /// Ends a session of `principal`'s; false where they have none of this id that goes on.
    pub async fn end_session(&self, principal: &Principal, session: SessionId) -> Result<bool, SqlError> {
        let now = self.host.now();
        let ended = repo::sessions::revoke(&*self.host.sql, principal.workspace, principal.user, session, now).await?;
        self.authenticator.forget(session);
        Ok(ended)
    }

    /// Ends all sessions of `principal`'s, this one too.
    pub async fn end_all_sessions(&self, principal: &Principal) -> Result<(), SqlError> {
        let now = self.host.now();
        let end = repo::sessions::revoke_all(principal.workspace, principal.user, None, now);
        self.host.sql.execute(end).await?;
        self.authenticator.forget_all(principal.user);
        Ok(())
    }

    /// At most `limit` sessions of `principal`'s, newest first, from after `after` on.
    pub async fn sessions(
        &self,
        principal: &Principal,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<Session>, SqlError> {
        let now = self.host.now();
        repo::sessions::of_user(&*self.host.sql, principal.workspace, principal.user, after, limit, now).await
    }
}
