//! Opening an account.

use host::sql::SqlError;
use secrecy::SecretString;

use super::{AccountError, Accounts, SignedIn};
use crate::{
    account::{Account, NewAccount},
    account_token::{AccountToken, Purpose},
    limits::{self, Visitor},
    permission::Role,
    repo,
    session::Device,
    settings::{Registration, Settings},
};

/// What became of a registration.
pub enum Registered {
    /// The account is open, and its holder signed in.
    SignedIn(Box<SignedIn>),
    /// A letter is on its way to the address. Whether there was an account before, only the letter says.
    LetterSent,
}

impl Accounts {
    /// Opens an account, in the workspace of whoever invited its holder or in one of its own.
    pub async fn register(
        &self,
        account: NewAccount,
        invitation: Option<&SecretString>,
        device: Device,
    ) -> Result<Registered, AccountError> {
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        may_register(settings.registration.registration, invitation.is_some())?;
        let device = device.behind(settings.trusted_proxies);
        let visitor = Visitor { key: keys.signing(), address: device.address };
        limits::admit(&self.host, &visitor.registering()).await?;
        let buckets = visitor.coming();
        limits::admit(&self.host, &buckets).await?;
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
            (false, false) => self.open_and_begin(account, invitation, device, &settings).await,
            (false, true) => self.open_and_write(account, invitation).await,
        };
        match outcome {
            Err(AccountError::Sql(SqlError::UniqueViolation { .. }) | AccountError::EmailTaken) => {
                self.is_taken(&email, &settings).await
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
        device: Device,
        settings: &Settings,
    ) -> Result<Registered, AccountError> {
        let keys = self.authenticator.keys(self.host.now()).await?;
        if let Some(invitation) = &invitation {
            let name = repo::accounts::workspace_name(&*self.host.sql, invitation.workspace).await?;
            account.workspace_name = name.ok_or(AccountError::InvalidAccountToken)?;
        }
        let work = self.opening(&mut account, invitation);
        let signed_in = self.begin_session(account, device, (settings, &keys), work).await?;
        let signed_in = signed_in.ok_or(AccountError::InvalidAccountToken)?;
        Ok(Registered::SignedIn(Box::new(signed_in)))
    }

    /// Opens an account that waits until a letter has reached its holder.
    async fn open_and_write(
        &self,
        mut account: Account,
        invitation: Option<AccountToken>,
    ) -> Result<Registered, AccountError> {
        let mut work = self.opening(&mut account, invitation);
        work.extend(self.letter(&account, Purpose::EmailVerification).await?);
        match self.write(work).await? {
            true => Ok(Registered::LetterSent),
            false => Err(AccountError::InvalidAccountToken),
        }
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
    async fn is_taken(&self, email: &str, settings: &Settings) -> Result<Registered, AccountError> {
        if !settings.require_verified_email {
            return Err(AccountError::EmailTaken);
        }
        if let Some(account) = repo::accounts::by_email(&*self.host.sql, email).await? {
            self.tell_of_attempt(&account).await?;
        }
        Ok(Registered::LetterSent)
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
