//! Opening an account.

use host::sql::SqlError;
use idempotency::{Attempt, Outcome, Owner, Stored};
use secrecy::SecretString;

use super::{AccountError, Accounts, SignedIn, once::LETTER};
use crate::{
    account::{Account, NewAccount},
    account_token::{AccountToken, Purpose},
    limits::{self, Visitor},
    permission::Role,
    repo,
    session::Device,
    settings::{Registration, Settings},
    token::Keys,
};

/// What became of a registration.
pub enum Registered {
    /// The account is open, and its holder signed in.
    SignedIn(Box<SignedIn>),
    /// A letter is on its way to the address. Whether there was an account before, only the letter says.
    LetterSent,
}

impl Accounts {
    /// Opens an account, in the workspace of whoever invited its holder or in one of its own. Under an idempotency key it is
    /// opened once, and who asks again is told the same.
    pub async fn register(
        &self,
        account: NewAccount,
        invitation: Option<&SecretString>,
        device: Device,
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<Registered>, AccountError> {
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        may_register(settings.registration.registration, invitation.is_some())?;
        let device = device.behind(settings.trusted_proxies);
        let visitor = Visitor { key: keys.signing(), address: device.address };
        limits::admit(&self.host, &visitor.registering()).await?;
        let buckets = visitor.coming();
        limits::admit(&self.host, &buckets).await?;
        // Before the invitation, which was used up then.
        if let Some(before) = self.registered_before(&account.email, attempt, &keys).await? {
            self.give_back(&buckets).await?;
            return Ok(before);
        }
        let invitation = match invitation {
            Some(token) => Some(self.invitation(token, &account.email).await?),
            None => None,
        };
        let is_reserved = settings.bootstrap.as_ref().is_some_and(|it| it.reserves(&account.email));
        let email = account.email.clone();
        let role = invitation.as_ref().and_then(|invitation| invitation.role).unwrap_or(Role::Owner);
        // An address that is taken takes as long as one that is not.
        let account = self.open(account, role, &settings).await?;
        let outcome = match (is_reserved, settings.require_verified_email) {
            (true, _) => Err(AccountError::EmailTaken),
            (false, false) => self.open_and_begin(account, invitation, (device, attempt), (&settings, &keys)).await,
            (false, true) => self.open_and_write(account, invitation, attempt).await,
        };
        match outcome {
            Err(AccountError::Sql(SqlError::UniqueViolation { .. }) | AccountError::EmailTaken) => {
                // Or by the same request, at the same time.
                match self.registered_before(&email, attempt, &keys).await? {
                    Some(before) => Ok(before),
                    None => self.is_taken(&email, &settings).await,
                }
            }
            outcome => {
                self.give_back(&buckets).await?;
                outcome
            }
        }
    }

    async fn open_and_begin(
        &self,
        mut account: Account,
        invitation: Option<AccountToken>,
        (device, attempt): (Device, Option<&Attempt>),
        (settings, keys): (&Settings, &Keys),
    ) -> Result<Outcome<Registered>, AccountError> {
        if let Some(invitation) = &invitation {
            let name = repo::accounts::workspace_name(&*self.host.sql, invitation.workspace).await?;
            account.workspace_name = name.ok_or(AccountError::InvalidAccountToken)?;
        }
        let work = self.opening(&mut account, invitation);
        let begun = self.begin_session(account, device, (settings, keys), work, attempt).await?;
        let Outcome { value, is_replay } = begun.ok_or(AccountError::InvalidAccountToken)?;
        Ok(Outcome { value: Registered::SignedIn(Box::new(value)), is_replay })
    }

    /// Opens an account that waits until a letter has reached its holder.
    async fn open_and_write(
        &self,
        mut account: Account,
        invitation: Option<AccountToken>,
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<Registered>, AccountError> {
        let mut work = self.opening(&mut account, invitation);
        work.extend(self.letter(&account, Purpose::EmailVerification).await?);
        let is_replay = match self.write_once(Owner::from(&account), attempt, LETTER, work).await? {
            Stored::Now => false,
            Stored::Before(_) => true,
            Stored::NothingMatched => return Err(AccountError::InvalidAccountToken),
        };
        Ok(Outcome { value: Registered::LetterSent, is_replay })
    }

    /// What has to be written to open `account`.
    fn opening(&self, account: &mut Account, invitation: Option<AccountToken>) -> Vec<host::sql::Statement> {
        let now = self.host.now();
        match invitation {
            Some(invitation) => {
                account.workspace = invitation.workspace;
                vec![repo::tokens::use_up(&invitation, now), repo::accounts::insert(account, now)]
            }
            None => vec![repo::accounts::insert_workspace(account, now), repo::accounts::insert(account, now)],
        }
    }

    /// The answer to who wants an address that somebody has: where addresses are verified, the same as to anybody else.
    async fn is_taken(&self, email: &str, settings: &Settings) -> Result<Outcome<Registered>, AccountError> {
        if !settings.require_verified_email {
            return Err(AccountError::EmailTaken);
        }
        if let Some(account) = repo::accounts::by_email(&*self.host.sql, email).await? {
            self.tell_of_attempt(&account).await?;
        }
        Ok(Outcome { value: Registered::LetterSent, is_replay: false })
    }

    /// The invitation that `token` is, if it is good for `email`.
    async fn invitation(&self, token: &SecretString, email: &str) -> Result<AccountToken, AccountError> {
        let invitation = self.token(token, Purpose::Invitation).await?;
        let fits = invitation.email.as_deref().is_none_or(|invited| invited == email);
        if fits { Ok(invitation) } else { Err(AccountError::InvalidAccountToken) }
    }
}

fn may_register(registration: Registration, has_invitation: bool) -> Result<(), AccountError> {
    match registration {
        Registration::Open => Ok(()),
        Registration::Invite if has_invitation => Ok(()),
        Registration::Invite => Err(AccountError::InvitationRequired),
        Registration::Closed => Err(AccountError::RegistrationClosed),
    }
}
