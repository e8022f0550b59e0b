//! Who sends this request? Asked once for each request, answered from memory wherever that is safe.

use std::{sync::Arc, time::Duration};

use fault::{Fault, Kind};
use host::{Host, sql::SqlError};
use ids::{SessionId, Timestamp};

use crate::{
    keys::{self, KeyError},
    memory::Memory,
    principal::Principal,
    repo,
    token::{AccessClaims, InvalidToken, TokenKey},
    verified::Verified,
};

/// How long an instance believes what it once read about a session. After a logout, other instances accept the session's
/// access tokens for at most this long.
pub const SESSION_TTL: Duration = Duration::from_secs(10);

/// How long an instance uses the signing key before it reads it again.
const KEY_TTL: Duration = Duration::from_secs(60 * 60);

/// How many sessions an instance remembers.
const MAX_SESSIONS: usize = 1024;

/// Why nobody is known to send the request.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The access token is not valid, or not any more.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// The token is valid, but its session was ended or its account disabled.
    #[error("The session has ended; sign in again.")]
    SessionEnded,
    /// The signing key is not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database does not say.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The database is not in a state to be asked.
    #[error(transparent)]
    Schema(#[from] host::ReadyError),
}

impl Fault for AuthenticateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Token(_) | Self::SessionEnded => Kind::Unauthenticated,
            Self::Key(error) => error.kind(),
            Self::Sql(error) => error.kind(),
            Self::Schema(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Token(InvalidToken::Expired) => "token_expired",
            Self::Token(InvalidToken::Forged) => "invalid_token",
            Self::SessionEnded => "session_ended",
            Self::Key(error) => error.code(),
            Self::Sql(error) => error.code(),
            Self::Schema(error) => error.code(),
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Key(error) => error.retry_after_ms(),
            Self::Sql(error) => error.retry_after_ms(),
            Self::Schema(error) => error.retry_after_ms(),
            Self::Token(_) | Self::SessionEnded => None,
        }
    }
}

/// Tells who sends a request. One for each instance; it remembers the signing key, and the tokens and
/// sessions it met.
pub struct Authenticator {
    host: Host,
    key: Memory<(), Arc<TokenKey>>,
    verified: Verified,
    /// `None` for sessions that have ended, so that their tokens do not cost a query each.
    sessions: Memory<SessionId, Option<Arc<Principal>>>,
}

impl Authenticator {
    /// An authenticator that has met nobody yet.
    pub fn new(host: Host) -> Self {
        Self { host, key: Memory::new(1), verified: Verified::default(), sessions: Memory::new(MAX_SESSIONS) }
    }

    /// The sender of a request that bears `token`.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Principal>, AuthenticateError> {
        let key = self.key().await?;
        let now = self.host.now();
        let claims = self.verified.verify(&key, token, now)?;
        let look_up = self.look_up(claims, now);
        let principal = self.sessions.get_or(&*self.host.clock, claims.session, SESSION_TTL, look_up).await?;
        principal
            // The signature vouches for these; a mismatch means that the row is not the one the token was made for.
            .filter(|principal| principal.user == claims.user && principal.workspace == claims.workspace)
            .ok_or(AuthenticateError::SessionEnded)
    }

    /// Forgets what is remembered of `session`, so that its end takes effect in this instance at once.
    pub fn forget(&self, session: SessionId) {
        self.sessions.forget(&session);
    }

    /// The key that signs and verifies, read once for each instance.
    pub(crate) async fn key(&self) -> Result<Arc<TokenKey>, KeyError> {
        let read = async { keys::signing_key(&self.host).await.map(Arc::new) };
        self.key.get_or(&*self.host.clock, (), KEY_TTL, read).await
    }

    async fn look_up(&self, claims: AccessClaims, now: Timestamp) -> Result<Option<Arc<Principal>>, AuthenticateError> {
        host::ready(&self.host).await?;
        Ok(repo::principal_of(&*self.host.sql, claims, now).await?.map(Arc::new))
    }
}
