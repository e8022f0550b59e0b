//! Who sends this request? Asked once for each request, answered from memory wherever that is safe.

use std::{sync::Arc, time::Duration};

use fault::faults;
use host::{Host, Memory, sql::SqlError};
use ids::{SessionId, Timestamp, UserId};

use crate::{
    keys::{self, KeyError},
    principal::Principal,
    repo,
    token::{AccessClaims, InvalidToken, Keys},
};

/// How long an instance believes what it once read about a session. After a logout, other instances accept the session's
/// access tokens for at most this long.
pub const SESSION_TTL: Duration = Duration::from_secs(10);

/// How long an instance uses the signing keys before it reads them again: a new key counts everywhere this much later.
const KEYS_TTL: Duration = Duration::from_secs(60);

/// How many tokens an instance remembers; each takes half a kilobyte. Forged ones are not remembered and drive out none that
/// are.
const MAX_TOKENS: usize = 1024;

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

faults! { AuthenticateError {
    Self::Token(InvalidToken::Expired) => Unauthenticated "token_expired",
    Self::Token(InvalidToken::Forged) => Unauthenticated "invalid_token",
    Self::SessionEnded => Unauthenticated "session_ended",
    Self::Key(error) => error,
    Self::Sql(error) => error,
    Self::Schema(error) => error,
} }

/// Tells who sends a request. One for each instance; it remembers the signing keys and the tokens that it met.
pub struct Authenticator {
    host: Host,
    keys: Memory<(), Arc<Keys>>,
    bearers: Memory<String, Bearer>,
}

/// Who bears a genuine token.
#[derive(Clone)]
struct Bearer {
    claims: AccessClaims,
    /// `None` where the session has ended, so that its tokens do not cost a query each.
    principal: Option<Arc<Principal>>,
}

impl Authenticator {
    /// An authenticator that has met nobody yet.
    pub fn new(host: Host) -> Self {
        Self { host, keys: Memory::new(1), bearers: Memory::new(MAX_TOKENS) }
    }

    /// The sender of a request that bears `token`.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Principal>, AuthenticateError> {
        let now = self.host.now();
        // One wait for everything that an instance has to find out about a token: when it starts, all of its requests wait here.
        let bearer = self.bearers.get_or(&*self.host.clock, now, token, SESSION_TTL, self.bearer(token, now)).await?;
        bearer.claims.unless_expired(now)?;
        bearer.principal.ok_or(AuthenticateError::SessionEnded)
    }

    /// Forgets what is remembered of all sessions of `user`, as [`forget`](Self::forget) does of one.
    pub fn forget_all(&self, user: UserId) {
        self.bearers.forget(|bearer| bearer.claims.user == user);
    }

    /// Forgets what is remembered of `session`, so that its end takes effect in this instance at once.
    pub fn forget(&self, session: SessionId) {
        self.bearers.forget(|bearer| bearer.claims.session == session);
    }

    /// The keys that sign and verify.
    pub(crate) async fn keys(&self, now: Timestamp) -> Result<Arc<Keys>, KeyError> {
        let read = async { keys::keys(&self.host).await.map(Arc::new) };
        self.keys.get_or(&*self.host.clock, now, &(), KEYS_TTL, read).await
    }

    async fn bearer(&self, token: &str, now: Timestamp) -> Result<Bearer, AuthenticateError> {
        let claims = self.keys(now).await?.verify(token)?.unless_expired(now)?;
        host::ready(&self.host).await?;
        let principal = repo::sessions::principal_of(&*self.host.sql, claims, now).await?;
        // The signature vouches for these; a mismatch means that the row is not the one the token was made for.
        let principal = principal.filter(|it| it.user == claims.user && it.workspace == claims.workspace).map(Arc::new);
        Ok(Bearer { claims, principal })
    }
}
