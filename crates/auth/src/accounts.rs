//! Signing up, in and out.

use std::sync::Arc;

use fault::{Fault, Kind};
use host::{
    Host, VariablesError,
    sql::{SqlError, WorkError, transact},
};
use ids::{SessionId, Timestamp};
use secrecy::SecretString;
use tracing::Instrument;

use crate::{
    account::{Account, NewAccount, Status, canonical_email},
    authenticator::Authenticator,
    bootstrap::{self, BootstrapError},
    keys::KeyError,
    password::{self, HashError, Verdict},
    permission::Role,
    principal::Principal,
    refresh::{REFRESH_TOKEN_TTL, RefreshToken},
    repo::{self, Family},
    session::{Device, NewSession, Session},
    token::{ACCESS_TOKEN_TTL, AccessClaims},
};

/// Why somebody could not be signed up or in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Somebody has an account with this address.
    #[error("There is an account with this e-mail address.")]
    EmailTaken,
    /// No account has this address, or the password is another. Which of the two is nobody's business.
    #[error("The e-mail address or the password is wrong.")]
    WrongCredentials,
    /// The password is right, but an administrator has closed the account.
    #[error("This account is disabled.")]
    Disabled,
    /// The refresh token is none, has expired, or its session has ended.
    #[error("The refresh token is not valid, or not any more; sign in again.")]
    InvalidRefreshToken,
    /// The refresh token was exchanged before: somebody has a copy. Its session has been ended.
    #[error("The refresh token was used before, so its session was ended; sign in again.")]
    ReusedRefreshToken,
    /// The administrator's settings are of no use.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The signing key is not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token could not be signed.
    #[error("an access token could not be signed")]
    Unsigned,
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database does not do it.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<VariablesError> for SignInError {
    fn from(error: VariablesError) -> Self {
        Self::Bootstrap(error.into())
    }
}

impl WorkError for SignInError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

impl Fault for SignInError {
    fn kind(&self) -> Kind {
        match self {
            Self::EmailTaken => Kind::Conflict,
            Self::WrongCredentials | Self::InvalidRefreshToken | Self::ReusedRefreshToken => Kind::Unauthenticated,
            Self::Disabled => Kind::Forbidden,
            Self::Bootstrap(_) | Self::Unsigned | Self::Hash(_) => Kind::Internal,
            Self::Key(error) => error.kind(),
            Self::Sql(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::Disabled => "account_disabled",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::ReusedRefreshToken => "refresh_token_reused",
            Self::Bootstrap(_) => "misconfigured",
            Self::Unsigned | Self::Hash(_) => "internal_error",
            Self::Key(error) => error.code(),
            Self::Sql(error) => error.code(),
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Key(error) => error.retry_after_ms(),
            Self::Sql(error) => error.retry_after_ms(),
            _ => None,
        }
    }
}

/// Somebody has signed in, and these are their tokens.
pub struct SignedIn {
    /// Good for [`ACCESS_TOKEN_TTL`].
    pub access_token: SecretString,
    /// When the access token expires.
    pub expires_at: Timestamp,
    /// Good for one exchange.
    pub refresh_token: SecretString,
    /// Who they are.
    pub principal: Principal,
}

/// Accounts and their sessions.
pub struct Accounts {
    host: Host,
    authenticator: Arc<Authenticator>,
}

impl Accounts {
    /// Accounts in the database of `host`. `authenticator` is told when a session ends.
    pub fn new(host: Host, authenticator: Arc<Authenticator>) -> Self {
        Self { host, authenticator }
    }

    /// Opens an account in a workspace of its own, and signs its holder in.
    pub async fn register(&self, account: NewAccount, device: Device) -> Result<SignedIn, SignInError> {
        if bootstrap::reserves(&self.host, &account.email).await? {
            return Err(SignInError::EmailTaken);
        }
        let account = self.open(account, Role::Owner)?;
        match self.begin_session(account, device, true).await {
            Err(SignInError::Sql(SqlError::UniqueViolation { .. })) => Err(SignInError::EmailTaken),
            result => result,
        }
    }

    /// Begins a session for whoever has this address and password.
    pub async fn sign_in(&self, email: &str, password: &SecretString, device: Device) -> Result<SignedIn, SignInError> {
        let email = canonical_email(email);
        let account = match &email {
            Some(email) => repo::account_by_email(&*self.host.sql, email).await?,
            None => None,
        };
        let (account, is_new) = match (account, email) {
            (None, Some(email)) => match bootstrap::administrator(&self.host, &email).await? {
                Some(administrator) => (Some(self.open(administrator, Role::Admin)?), true),
                None => (None, false),
            },
            (account, _) => (account, false),
        };
        let verdict = password::verify(password, account.as_ref().map(|account| account.password_hash.as_str()));
        let account = account.filter(|_| verdict != Verdict::Wrong).ok_or(SignInError::WrongCredentials)?;
        if account.status == Status::Disabled {
            return Err(SignInError::Disabled);
        }
        if verdict == Verdict::RightButStale {
            let hash = password::hash(password, &*self.host.random)?;
            repo::update_password_hash(&*self.host.sql, &account, &hash, self.host.now()).await?;
        }
        self.begin_session(account, device, is_new).await
    }

    /// Exchanges a refresh token for a new pair of tokens. A token that was exchanged before ends its session, because
    /// either its holder or a thief is holding a copy (RFC 9700, section 4.14.2).
    pub async fn refresh(&self, token: &SecretString) -> Result<SignedIn, SignInError> {
        let old = RefreshToken::parse(token).ok_or(SignInError::InvalidRefreshToken)?.hash();
        let now = self.host.now();
        let family = repo::family_of(&*self.host.sql, &old, now).await?.ok_or(SignInError::InvalidRefreshToken)?;
        if !family.alive || family.account.status == Status::Disabled {
            return Err(SignInError::InvalidRefreshToken);
        }
        if family.used {
            return Err(self.end_family(&family).await?);
        }
        let fresh = RefreshToken::new(&*self.host.random);
        let exchange = Arc::new((family, old, fresh.hash()));
        let exchanged = transact(&*self.host.sql, &*self.host.clock, |transaction| {
            let exchange = exchange.clone();
            Box::pin(async move {
                let (family, old, fresh) = &*exchange;
                match repo::rotate(transaction, family, (old, fresh), now, now + REFRESH_TOKEN_TTL).await? {
                    true => Ok(()),
                    false => Err(SignInError::ReusedRefreshToken),
                }
            })
        });
        let exchanged = exchanged.await;
        let (family, ..) = &*exchange;
        match exchanged {
            Err(SignInError::ReusedRefreshToken) => return Err(self.end_family(family).await?),
            outcome => outcome?,
        }
        self.signed_in(family.account.principal(family.session), fresh, now).await
    }

    /// Ends the session of `principal`.
    pub async fn sign_out(&self, principal: &Principal) -> Result<(), SqlError> {
        self.end_session(principal, principal.session).await.map(|_| ())
    }

    /// Ends a session of `principal`'s; false where they have none of this id that goes on.
    pub async fn end_session(&self, principal: &Principal, session: SessionId) -> Result<bool, SqlError> {
        let now = self.host.now();
        let ended = repo::revoke(&*self.host.sql, principal.workspace, principal.user, session, now).await?;
        self.authenticator.forget(session);
        Ok(ended)
    }

    /// At most `limit` sessions of `principal`'s, newest first, from after `after` on.
    pub async fn sessions(
        &self,
        principal: &Principal,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<Session>, SqlError> {
        let now = self.host.now();
        repo::sessions_of(&*self.host.sql, principal.workspace, principal.user, after, limit, now).await
    }

    /// The account that `new` asks for; it is not in the database yet.
    fn open(&self, new: NewAccount, role: Role) -> Result<Account, SignInError> {
        Ok(Account {
            user: self.host.new_id(),
            workspace: self.host.new_id(),
            workspace_name: new.name.clone(),
            password_hash: password::hash(&new.password, &*self.host.random)?,
            email: new.email,
            name: new.name,
            roles: vec![role],
            status: Status::Active,
        })
    }

    /// A new session of `account`, which is written too where it is new: all of it or nothing.
    async fn begin_session(&self, account: Account, device: Device, is_new: bool) -> Result<SignedIn, SignInError> {
        let now = self.host.now();
        let refresh = RefreshToken::new(&*self.host.random);
        let session = NewSession {
            id: self.host.new_id(),
            workspace: account.workspace,
            user: account.user,
            device,
            token_hash: refresh.hash(),
            expires_at: now + REFRESH_TOKEN_TTL,
        };
        let rows = Arc::new((account, session));
        transact(&*self.host.sql, &*self.host.clock, |transaction| {
            let rows = rows.clone();
            Box::pin(async move {
                let (account, session) = &*rows;
                if is_new {
                    repo::insert_account(transaction, account, now).await?;
                }
                repo::insert_session(transaction, session, now).await
            })
        })
        .await?;
        let (account, session) = &*rows;
        self.signed_in(account.principal(session.id), refresh, now).await
    }

    async fn signed_in(
        &self,
        principal: Principal,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        self.tidy_up_later(&principal, now);
        let expires_at = Timestamp::from_millis((now + ACCESS_TOKEN_TTL).as_secs() * 1000);
        let claims = AccessClaims {
            user: principal.user,
            workspace: principal.workspace,
            session: principal.session,
            expires_at,
        };
        let key = self.authenticator.key(now).await?;
        let access_token = key.sign(claims, &principal.roles, now).ok_or(SignInError::Unsigned)?;
        Ok(SignedIn { access_token, expires_at, refresh_token: refresh.into_secret(), principal })
    }

    /// Forgets what has expired of `principal`'s, after the answer; if that fails, the next sign-in does it.
    fn tidy_up_later(&self, principal: &Principal, now: Timestamp) {
        let sql = self.host.sql.clone();
        let whose = (principal.workspace, principal.user, principal.session);
        let work = async move {
            if let Err(error) = repo::forget_expired(&*sql, whose, now).await {
                tracing::warn!(%error, "expired sessions could not be forgotten");
            }
        };
        self.host.tasks.spawn(Box::pin(work.in_current_span()));
    }

    /// Ends the session of a refresh token that came a second time.
    async fn end_family(&self, family: &Family) -> Result<SignInError, SqlError> {
        let Account { workspace, user, .. } = family.account;
        repo::revoke(&*self.host.sql, workspace, user, family.session, self.host.now()).await?;
        self.authenticator.forget(family.session);
        tracing::warn!(session = %family.session, user = %user, "a refresh token was used twice; its session has ended");
        Ok(SignInError::ReusedRefreshToken)
    }
}
