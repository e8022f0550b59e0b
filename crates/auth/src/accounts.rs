//! Accounts: opening, using, changing and closing them.

mod error;
mod invitations;
mod letters;
mod members;
mod once;
mod own;
mod passwords;
mod refresh;
mod registration;
mod sign_in;
mod sign_out;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use host::{
    Host,
    sql::{SqlError, Statement, all_or_none},
};
use idempotency::{Attempt, Outcome, Owner, Stored};
use ids::Timestamp;
use secrecy::SecretString;
use tracing::Instrument;

pub use self::{error::AccountError, invitations::Invitation, members::Member, own::Export, registration::Registered};
use crate::{
    account::{Account, NewAccount, Status},
    authenticator::Authenticator,
    limits, password,
    permission::Role,
    principal::Principal,
    refresh::{REFRESH_TOKEN_TTL, RefreshToken},
    repo,
    session::{Device, NewSession},
    settings::{RegistrationRule, Settings, SettingsError},
    token::{ACCESS_TOKEN_TTL, AccessClaims, Keys},
};

/// Somebody has signed in, and these are their tokens.
pub struct SignedIn {
    /// Good for [`ACCESS_TOKEN_TTL`].
    pub access_token: SecretString,
    /// When the access token expires.
    pub expires_at: Timestamp,
    /// How long that is from now on, in seconds: for clients whose clock is wrong.
    pub expires_in_s: u64,
    /// Good for one exchange.
    pub refresh_token: SecretString,
    /// Who they are.
    pub principal: Principal,
}

/// Accounts and their sessions.
pub struct Accounts {
    host: Host,
    authenticator: Arc<Authenticator>,
    /// True once this instance has said in the log who may open an account.
    is_announced: AtomicBool,
}

impl Accounts {
    /// Accounts in the database of `host`. `authenticator` is told when a session ends.
    pub fn new(host: Host, authenticator: Arc<Authenticator>) -> Self {
        Self { host, authenticator, is_announced: AtomicBool::new(false) }
    }

    /// Who may open an account here, and why.
    pub async fn registration(&self) -> Result<RegistrationRule, SettingsError> {
        Ok(self.settings().await?.registration)
    }

    /// The settings, all of which are as they have to be.
    async fn settings(&self) -> Result<Settings, SettingsError> {
        let settings = Settings::read(&self.host).await?;
        if !self.is_announced.swap(true, Ordering::Relaxed) {
            let RegistrationRule { registration, because } = settings.registration;
            tracing::info!(%registration, because, "who may open an account");
        }
        Ok(settings)
    }

    /// The account that `new` asks for; it is not in the database yet. Its password is hashed in turn.
    async fn open(&self, new: NewAccount, role: Role, settings: &Settings) -> Result<Account, AccountError> {
        let hash = || password::hash(&new.password, &*self.host.random);
        let password_hash = limits::in_turn(&self.host, settings.hashes_at_once, hash).await??;
        Ok(Account {
            user: self.host.new_id(),
            workspace: self.host.new_id(),
            workspace_name: new.name.clone(),
            password_hash,
            email: new.email,
            name: new.name,
            roles: vec![role],
            status: Status::Active,
            email_verified_at: None,
        })
    }

    /// A new session of `account`, and what else is to be written with it: all of it or nothing. Its tokens are made before
    /// anything is written, so that nothing is written for tokens that cannot be made. Under an idempotency key, the session that
    /// an earlier request has begun. None where a statement of `work` matches no row.
    async fn begin_session(
        &self,
        account: Account,
        device: Device,
        (settings, keys): (&Settings, &Keys),
        mut work: Vec<Statement>,
        attempt: Option<&Attempt>,
    ) -> Result<Option<Outcome<SignedIn>>, AccountError> {
        let (now, id) = (self.host.now(), self.host.new_id());
        let refresh = match attempt {
            Some(attempt) => RefreshToken::first_of(id, attempt, keys.signing()),
            None => RefreshToken::new(&*self.host.random),
        };
        let session = NewSession {
            id,
            workspace: account.workspace,
            user: account.user,
            device,
            token_hash: refresh.hash(),
            expires_at: now + REFRESH_TOKEN_TTL.min(settings.session_max),
        };
        let signed_in = sign(account.principal(session.id), refresh, keys, now, now)?;
        work.extend(repo::sessions::insert(&session, now));
        let before = match self.write_once(Owner::from(&account), attempt, &id.to_string(), work).await? {
            Stored::Now => None,
            Stored::NothingMatched => return Ok(None),
            Stored::Before(session) => attempt.map(|attempt| (attempt, session)),
        };
        if let Some((attempt, session)) = before {
            let value = self.session_again(&account, &session, attempt, keys).await?;
            return Ok(Some(Outcome { value, is_replay: true }));
        }
        self.tidy_up_later(&signed_in.principal, now);
        Ok(Some(Outcome { value: signed_in, is_replay: false }))
    }

    /// Carries out `work`, all of it or nothing; false where a statement matches no row.
    async fn write(&self, work: Vec<Statement>) -> Result<bool, SqlError> {
        all_or_none(&*self.host.sql, &*self.host.clock, work).await
    }

    /// Forgets what has expired, after the answer; if that fails, the next sign-in does it.
    fn tidy_up_later(&self, principal: &Principal, now: Timestamp) {
        let sql = self.host.sql.clone();
        let whose = (principal.workspace, principal.user, principal.session);
        self.later("what has expired could not be forgotten", async move {
            repo::sessions::forget_expired(&*sql, whose, now).await?;
            repo::tokens::forget_expired(&*sql, now).await?;
            repo::limits::forget_old(&*sql).await
        });
    }

    /// Does `work` after the answer, and says `otherwise` in the log where it fails.
    fn later(&self, otherwise: &'static str, work: impl Future<Output = Result<(), SqlError>> + Send + 'static) {
        let work = async move {
            if let Err(error) = work.await {
                tracing::warn!(%error, "{otherwise}");
            }
        };
        self.host.tasks.spawn(Box::pin(work.in_current_span()));
    }
}

/// The tokens of `principal`, whose session goes on with `refresh`, as they are made at `made_at` and handed out at `now`.
fn sign(
    principal: Principal,
    refresh: RefreshToken,
    keys: &Keys,
    made_at: Timestamp,
    now: Timestamp,
) -> Result<SignedIn, AccountError> {
    let expires_at = Timestamp::from_millis((made_at + ACCESS_TOKEN_TTL).as_secs() * 1000);
    let claims =
        AccessClaims { user: principal.user, workspace: principal.workspace, session: principal.session, expires_at };
    let access_token = keys.signing().sign(claims, &principal.roles, made_at).ok_or(AccountError::Unsigned)?;
    let expires_in_s = expires_at.since(now).as_secs();
    Ok(SignedIn { access_token, expires_at, expires_in_s, refresh_token: refresh.into_secret(), principal })
}
