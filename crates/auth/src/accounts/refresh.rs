//! Exchanging a refresh token for the next.

use ids::Timestamp;
use secrecy::SecretString;

use super::{AccountError, Accounts, SignedIn, sign};
use crate::{
    account::{Account, Status},
    refresh::{REFRESH_TOKEN_TTL, REPLAY_WINDOW, RefreshToken},
    repo::{self, sessions::Family},
    settings::Settings,
    token::Keys,
};

/// How often an exchange is begun again because another one was faster.
const ATTEMPTS: usize = 3;

/// What is to be done with a refresh token that is there and alive.
#[derive(Debug, PartialEq, Eq)]
enum Exchange {
    /// It is exchanged for its successor.
    First,
    /// It was, a moment ago: who exchanged it may have lost the answer, or have two tabs open.
    Again,
    /// It was, too long ago for that.
    TooLate,
}

impl Exchange {
    fn of(exchanged_for_ms: Option<i64>) -> Self {
        match exchanged_for_ms {
            None => Self::First,
            Some(ago) if ago < REPLAY_WINDOW.as_millis() as i64 => Self::Again,
            Some(_) => Self::TooLate,
        }
    }
}

impl Accounts {
    /// Exchanges a refresh token for a new pair of tokens.
    ///
    /// A token that was exchanged less than [`REPLAY_WINDOW`] ago gives the same pair again while that is unused. Otherwise it
    /// ends its session, because either its holder or a thief is holding a copy (RFC 9700, section 4.14.2).
    pub async fn refresh(&self, token: &SecretString) -> Result<SignedIn, AccountError> {
        let presented = RefreshToken::parse(token).ok_or(AccountError::InvalidRefreshToken)?;
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        let hash = presented.hash();
        for _ in 0..ATTEMPTS {
            let now = self.host.now();
            let family = self.living(&hash, now).await?.ok_or(AccountError::InvalidRefreshToken)?;
            match Exchange::of(family.exchanged_for_ms) {
                Exchange::First => {
                    if let Some(signed_in) = self.exchange(&presented, &family, (&settings, &keys), now).await? {
                        return Ok(signed_in);
                    }
                }
                Exchange::Again => {
                    return match self.unused_successor(&presented, &family, &keys, now).await? {
                        Some(signed_in) => Ok(signed_in),
                        None => Err(self.end_family(&family).await?),
                    };
                }
                Exchange::TooLate => return Err(self.end_family(&family).await?),
            }
        }
        Err(AccountError::InvalidRefreshToken)
    }

    /// The family of a token, if it goes on and its account may be used.
    pub(super) async fn living(&self, token_hash: &str, now: Timestamp) -> Result<Option<Family>, AccountError> {
        let family = repo::sessions::family_of(&*self.host.sql, token_hash, now).await?;
        Ok(family.filter(|family| family.alive && family.account.status == Status::Active))
    }

    /// The first exchange; `None` where another one was faster. The tokens are made before anything is written.
    async fn exchange(
        &self,
        presented: &RefreshToken,
        family: &Family,
        (settings, keys): (&Settings, &Keys),
        now: Timestamp,
    ) -> Result<Option<SignedIn>, AccountError> {
        let successor = presented.successor(keys.signing());
        let hashes = (presented.hash(), successor.hash());
        let signed_in = sign(family.account.principal(family.session), successor, keys, now, now)?;
        // However often it is refreshed, a session ends some day.
        let expires_at = (now + REFRESH_TOKEN_TTL).min(family.began_at + settings.session_max);
        let exchanged = repo::sessions::rotate(&*self.host.sql, family, (&hashes.0, &hashes.1), now, expires_at).await;
        match exchanged {
            Ok(true) => {
                self.tidy_up_later(&signed_in.principal, now);
                Ok(Some(signed_in))
            }
            Ok(false) => Ok(None),
            Err(error) if error.is_transient() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The pair of tokens that `presented` was exchanged for, as it was handed out then, unless it has been used.
    async fn unused_successor(
        &self,
        presented: &RefreshToken,
        family: &Family,
        keys: &Keys,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, AccountError> {
        // The key may have changed since.
        for key in keys.all() {
            let successor = presented.successor(key);
            let Some(next) = self.living(&successor.hash(), now).await? else { continue };
            if next.session != family.session || next.exchanged_for_ms.is_some() {
                return Ok(None);
            }
            let principal = next.account.principal(next.session);
            return sign(principal, successor, keys, next.made_at, now).map(Some);
        }
        Ok(None)
    }

    /// Ends the session of a refresh token that came once too often.
    async fn end_family(&self, family: &Family) -> Result<AccountError, AccountError> {
        let Account { workspace, user, .. } = family.account;
        repo::sessions::revoke(&*self.host.sql, workspace, user, family.session, self.host.now()).await?;
        self.authenticator.forget(family.session);
        tracing::warn!(
            session = %family.session,
            user_id = %user,
            workspace_id = %workspace,
            exchanged_for_ms = family.exchanged_for_ms,
            "a refresh token was used again after it was exchanged; its session has ended"
        );
        Ok(AccountError::ReusedRefreshToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_exchanged_once_and_again_for_a_short_time() {
        assert_eq!(Exchange::of(None), Exchange::First);
        assert_eq!(Exchange::of(Some(0)), Exchange::Again);
        assert_eq!(Exchange::of(Some(29_999)), Exchange::Again);
        assert_eq!(Exchange::of(Some(30_000)), Exchange::TooLate);
        // A database whose clock was put back.
        assert_eq!(Exchange::of(Some(-5)), Exchange::Again);
    }
}
