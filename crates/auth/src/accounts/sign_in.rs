//! Signing in with an address and a password.

use host::sql::SqlError;
use idempotency::{Attempt, Outcome};
use secrecy::SecretString;

use super::{AccountError, Accounts, SignedIn};
use crate::{
    account::{Account, NewAccount, Status},
    address::canonical_email,
    limits::{self, Bucket, Visitor},
    password::{self, Verdict},
    permission::Role,
    repo,
    session::Device,
    settings::Settings,
    token::Keys,
};

/// How much of a text that is no address a limit is counted by.
const MAX_NAME_BYTES: usize = 254;

impl Accounts {
    /// Begins a session for whoever has this address and password.
    ///
    /// What it does and how long that takes does not depend on whether there is an account, nor on whether it would be the
    /// administrator's of the settings. Under an idempotency key who is right begins one session, however often they ask.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        device: Device,
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<SignedIn>, AccountError> {
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        let device = device.behind(settings.trusted_proxies);
        let canonical = canonical_email(email);
        let limited = canonical.as_deref().unwrap_or(&email[..email.floor_char_boundary(MAX_NAME_BYTES)]);
        let visitor = Visitor { key: keys.signing(), address: device.address };
        let buckets = visitor.signing_in(limited);
        limits::admit(&self.host, &buckets).await?;
        let account = match &canonical {
            Some(email) => repo::accounts::by_email(&*self.host.sql, email).await?,
            None => None,
        };
        let named = canonical.as_deref().filter(|_| account.is_none());
        let administrator = named.and_then(|email| settings.bootstrap.as_ref()?.admits(email, password));
        let verdict = self.compare(password, account.as_ref(), &settings).await?;
        if let Some(administrator) = administrator {
            self.give_back(&buckets).await?;
            return self.begin_administrators(administrator, device, (&settings, &keys), attempt).await;
        }
        let Some(account) = account.filter(|_| verdict != Verdict::Wrong) else {
            self.count_failure(&buckets).await?;
            return Err(AccountError::WrongCredentials);
        };
        self.give_back(&buckets).await?;
        admitted(&account, &settings)?;
        if verdict == Verdict::RightButStale {
            self.hash_again(&account, password, &settings).await?;
        }
        let signed_in = self.begin_session(account, device, (&settings, &keys), Vec::new(), attempt).await?;
        signed_in.ok_or(AccountError::WrongCredentials)
    }

    /// Compares `password` with that of `account`, or with nobody's, when it is its turn.
    pub(super) async fn compare(
        &self,
        password: &SecretString,
        account: Option<&Account>,
        settings: &Settings,
    ) -> Result<Verdict, AccountError> {
        let hash = account.map(|account| account.password_hash.as_str());
        let verdict = limits::in_turn(&self.host, settings.hashes_at_once, || password::verify(password, hash)).await?;
        Ok(verdict)
    }

    /// The first sign-in of the administrator, for whom an account is opened. Of several at once one opens it.
    async fn begin_administrators(
        &self,
        administrator: NewAccount,
        device: Device,
        (settings, keys): (&Settings, &Keys),
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<SignedIn>, AccountError> {
        let email = administrator.email.clone();
        // Whoever waited for their turn may find that somebody else has opened it.
        if let Some(account) = repo::accounts::by_email(&*self.host.sql, &email).await? {
            return self.begin_admitted(account, device, (settings, keys), attempt).await;
        }
        let mut account = self.open(administrator, Role::Admin, settings).await?;
        // Whoever wrote the settings vouches for the address.
        let now = self.host.now();
        account.email_verified_at = Some(now);
        let opening = vec![repo::accounts::insert_workspace(&account, now), repo::accounts::insert(&account, now)];
        match self.begin_session(account, device.clone(), (settings, keys), opening, attempt).await {
            Err(AccountError::Sql(SqlError::UniqueViolation { .. })) => {
                let account = repo::accounts::by_email(&*self.host.sql, &email).await?;
                let account = account.ok_or(AccountError::WrongCredentials)?;
                self.begin_admitted(account, device, (settings, keys), attempt).await
            }
            begun => begun?.ok_or(AccountError::WrongCredentials),
        }
    }

    /// A session of the administrator's account that somebody else has just opened. The password was compared with that of the
    /// settings, which is the one that it was opened with.
    async fn begin_admitted(
        &self,
        account: Account,
        device: Device,
        (settings, keys): (&Settings, &Keys),
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<SignedIn>, AccountError> {
        admitted(&account, settings)?;
        let begun = self.begin_session(account, device, (settings, keys), Vec::new(), attempt).await?;
        begun.ok_or(AccountError::WrongCredentials)
    }

    /// Hashes the right password of `account` as it is done today.
    async fn hash_again(
        &self,
        account: &Account,
        password: &SecretString,
        settings: &Settings,
    ) -> Result<(), AccountError> {
        let hash = || password::hash(password, &*self.host.random);
        let hash = limits::in_turn(&self.host, settings.hashes_at_once, hash).await??;
        let statement = repo::accounts::replace_password_hash(account, &hash, self.host.now());
        self.host.sql.execute(statement).await?;
        Ok(())
    }

    /// Who was right is not limited by it.
    pub(super) async fn give_back(&self, buckets: &[Bucket]) -> Result<(), AccountError> {
        if !buckets.is_empty() {
            self.write(buckets.iter().map(repo::limits::give_back).collect()).await?;
        }
        Ok(())
    }

    /// Who was wrong is limited by it, and for ever longer. The last of `buckets` is the one that is locked.
    pub(super) async fn count_failure(&self, buckets: &[Bucket]) -> Result<(), AccountError> {
        if let Some(bucket) = buckets.last() {
            self.host.sql.execute(repo::limits::count_failure(bucket)).await?;
        }
        Ok(())
    }
}

/// May whoever has the right password of `account` in?
fn admitted(account: &Account, settings: &Settings) -> Result<(), AccountError> {
    if account.status == Status::Disabled {
        return Err(AccountError::Disabled);
    }
    if settings.require_verified_email && account.email_verified_at.is_none() {
        return Err(AccountError::EmailNotVerified);
    }
    Ok(())
}
