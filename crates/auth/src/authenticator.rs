//! Who sends this request? Asked once for each request, answered from memory wherever that is safe.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fault::{Fault, Kind};
use host::{Host, sql::SqlError};
use ids::{SessionId, Timestamp};

use crate::{
    keys::{self, KeyError},
    principal::Principal,
    repo,
    token::{AccessClaims, InvalidToken, TokenKey},
};

/// How long an instance believes what it once read about a session. After a logout, other instances accept the session's
/// access tokens for at most this long.
pub const SESSION_TTL: Duration = Duration::from_secs(10);

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

/// Tells who sends a request. One for each instance; it remembers the signing key and the sessions it met.
///
/// No lock is held while anything is waited for, and no request waits for another's look-up (`spin.md` 2.4): two requests
/// that miss at the same time both ask the database.
pub struct Authenticator {
    host: Host,
    key: Mutex<Option<Arc<TokenKey>>>,
    sessions: Mutex<HashMap<SessionId, Remembered>>,
}

struct Remembered {
    /// `None` where the session has ended, so that its tokens do not cost a query each.
    principal: Option<Arc<Principal>>,
    until: Timestamp,
}

impl Authenticator {
    /// An authenticator that has met nobody yet.
    pub fn new(host: Host) -> Self {
        Self { host, key: Mutex::default(), sessions: Mutex::default() }
    }

    /// The sender of a request that bears `token`.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Principal>, AuthenticateError> {
        let key = self.key().await?;
        let now = self.host.now();
        let claims = key.verify(token, now)?;
        let principal = match self.recall(claims.session, now) {
            Some(known) => known,
            None => self.look_up(claims, now).await?,
        };
        principal
            // The signature vouches for these; a mismatch means that the row is not the one the token was made for.
            .filter(|principal| principal.user == claims.user && principal.workspace == claims.workspace)
            .ok_or(AuthenticateError::SessionEnded)
    }

    /// Forgets what is remembered of `session`, so that its end takes effect in this instance at once.
    pub fn forget(&self, session: SessionId) {
        lock(&self.sessions).remove(&session);
    }

    /// The key that signs and verifies, read once for each instance.
    pub(crate) async fn key(&self) -> Result<Arc<TokenKey>, KeyError> {
        let known = lock(&self.key).clone();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = Arc::new(keys::signing_key(&self.host).await?);
        *lock(&self.key) = Some(key.clone());
        Ok(key)
    }

    fn recall(&self, session: SessionId, now: Timestamp) -> Option<Option<Arc<Principal>>> {
        let sessions = lock(&self.sessions);
        sessions.get(&session).filter(|it| now < it.until).map(|it| it.principal.clone())
    }

    async fn look_up(&self, claims: AccessClaims, now: Timestamp) -> Result<Option<Arc<Principal>>, AuthenticateError> {
        host::ready(&self.host).await?;
        let principal = repo::principal_of(&*self.host.sql, claims, now).await?.map(Arc::new);
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, it| now < it.until);
        }
        if sessions.len() >= MAX_SESSIONS {
            // More than a thousand sessions in ten seconds on one instance: start over rather than grow.
            sessions.clear();
        }
        sessions.insert(claims.session, Remembered { principal: principal.clone(), until: now + SESSION_TTL });
        Ok(principal)
    }
}

/// The value behind `mutex`. A panic ends the instance, so there is no one left to see a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
