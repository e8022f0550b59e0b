//! Tokens that are sent to people, and asking for them.

use fault::Fault;
use host::sql::{SqlError, Statement};
use ids::{NoticeId, UserId};
use secrecy::SecretString;

use super::{AccountError, Accounts};
use crate::{
    account::{Account, Status},
    account_token::{self, AccountToken, IssuedToken, Purpose},
    address::canonical_email,
    limits::{self, Bucket, LimitError, Visitor},
    notice::{Notice, NoticeKind, OutboxEntry},
    repo,
    session::Device,
    token::Keys,
};

impl Accounts {
    /// Sends a letter with a token for a new password to `email`, if there is an account with this address.
    ///
    /// Who asks learns nothing of that: the answer comes before anything is looked up. A letter that is lost with this
    /// instance is asked for again.
    pub async fn ask_for_password_reset(&self, email: &str, device: Device) -> Result<(), AccountError> {
        self.ask_for(email, device, Purpose::PasswordReset).await
    }

    /// Sends a letter with a token that proves an address to `email`, if there is an account with this address that is not
    /// proved yet.
    pub async fn ask_for_verification(&self, email: &str, device: Device) -> Result<(), AccountError> {
        self.ask_for(email, device, Purpose::EmailVerification).await
    }

    async fn ask_for(&self, email: &str, device: Device, purpose: Purpose) -> Result<(), AccountError> {
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        let Some(email) = canonical_email(email) else { return Ok(()) };
        let visitor = Visitor { key: keys.signing(), address: device.behind(settings.trusted_proxies).address };
        let (asking, to_them) = visitor.asking_for_letters(&email);
        limits::admit(&self.host, &asking).await?;
        let accounts = Self::new(self.host.clone(), self.authenticator.clone());
        self.later(
            "a letter could not be written",
            async move { accounts.write_letter(&email, purpose, &to_them).await },
        );
        Ok(())
    }

    async fn write_letter(&self, email: &str, purpose: Purpose, to_them: &Bucket) -> Result<(), SqlError> {
        match limits::admit(&self.host, std::slice::from_ref(to_them)).await {
            Ok(()) => {}
            // Nobody's letter box is filled by others.
            Err(LimitError::TooMany { .. } | LimitError::Busy) => return Ok(()),
            Err(LimitError::Sql(error)) => return Err(error),
        }
        let Some(account) = repo::accounts::by_email(&*self.host.sql, email).await? else { return Ok(()) };
        let is_proved = purpose == Purpose::EmailVerification && account.email_verified_at.is_some();
        if account.status == Status::Disabled || is_proved {
            return Ok(());
        }
        match self.letter(&account, purpose).await {
            Ok(letter) => self.write(letter).await.map(|_| ()),
            Err(AccountError::Sql(error)) => Err(error),
            Err(error) => {
                tracing::error!(%error, code = error.code(), "a letter could not be written");
                Ok(())
            }
        }
    }

    /// What has to be written so that the holder of `account` gets a letter with a token for `purpose`.
    pub(super) async fn letter(&self, account: &Account, purpose: Purpose) -> Result<Vec<Statement>, AccountError> {
        let kind = match purpose {
            Purpose::PasswordReset => NoticeKind::PasswordReset,
            Purpose::EmailVerification | Purpose::Invitation => NoticeKind::EmailVerification,
        };
        let (token, _, statement) = self.issue(account.workspace, Some(account.user), purpose).await?;
        let notice = Notice {
            id: self.host.new_id(),
            workspace: account.workspace,
            user: Some(account.user),
            kind,
            recipient: account.email.clone(),
            token: Some(token.id),
            expires_at: token.expires_at,
        };
        Ok(vec![statement, repo::tokens::insert_notice(&notice, self.host.now())])
    }

    /// A new token, in clear too, and what has to be written so that it is one.
    pub(super) async fn issue(
        &self,
        workspace: ids::WorkspaceId,
        user: Option<UserId>,
        purpose: Purpose,
    ) -> Result<(AccountToken, IssuedToken, Statement), AccountError> {
        let token = AccountToken {
            id: self.host.new_id(),
            workspace,
            user,
            purpose,
            email: None,
            role: None,
            expires_at: self.host.now() + purpose.ttl(),
        };
        self.issued(token).await
    }

    /// As [`issue`](Self::issue), for a token that is thought out already.
    pub(super) async fn issued(
        &self,
        token: AccountToken,
    ) -> Result<(AccountToken, IssuedToken, Statement), AccountError> {
        let now = self.host.now();
        let keys = self.authenticator.keys(now).await?;
        let secret = account_token::secret(token.id, keys.signing());
        let hash = account_token::hash(&secret).ok_or(AccountError::Unsigned)?;
        let statement = repo::tokens::insert(&token, &hash, now);
        let issued = IssuedToken { token: secret, expires_at: token.expires_at };
        Ok((token, issued, statement))
    }

    /// What is kept of `token`, if it is good for `purpose`.
    pub(super) async fn token(&self, token: &SecretString, purpose: Purpose) -> Result<AccountToken, AccountError> {
        let hash = account_token::hash(token).ok_or(AccountError::InvalidAccountToken)?;
        let found = repo::tokens::find(&*self.host.sql, &hash, purpose, self.host.now()).await?;
        found.ok_or(AccountError::InvalidAccountToken)
    }

    /// Tells the holder of `account` that somebody wanted to open one with their address.
    pub(super) async fn tell_of_attempt(&self, account: &Account) -> Result<(), AccountError> {
        let now = self.host.now();
        let notice = Notice {
            id: self.host.new_id(),
            workspace: account.workspace,
            user: Some(account.user),
            kind: NoticeKind::RegistrationAttempt,
            recipient: account.email.clone(),
            token: None,
            expires_at: now + Purpose::EmailVerification.ttl(),
        };
        self.write(vec![repo::tokens::insert_notice(&notice, now)]).await?;
        Ok(())
    }

    /// Notes that the address of an account is its holder's, who has brought the token of a letter to it.
    pub async fn verify_email(&self, token: &SecretString) -> Result<(), AccountError> {
        let token = self.token(token, Purpose::EmailVerification).await?;
        let user = token.user.ok_or(AccountError::InvalidAccountToken)?;
        let now = self.host.now();
        let work = vec![repo::tokens::use_up(&token, now), repo::accounts::verify_email(token.workspace, user, now)];
        if !self.write(work).await? {
            return Err(AccountError::InvalidAccountToken);
        }
        self.authenticator.forget_all(user);
        Ok(())
    }

    /// At most `limit` letters to the holders of all accounts, newest first, from after `after` on, with their tokens: for
    /// whoever runs the deployment, to hand them on while nothing sends letters.
    pub async fn outbox(&self, after: Option<NoticeId>, limit: i64) -> Result<Vec<OutboxEntry>, AccountError> {
        let now = self.host.now();
        let keys = self.authenticator.keys(now).await?;
        let kept = repo::tokens::notices(&*self.host.sql, after, limit, now).await?;
        Ok(kept.into_iter().map(|it| entry(it, &keys)).collect())
    }
}

fn entry(kept: repo::tokens::KeptNotice, keys: &Keys) -> OutboxEntry {
    let repo::tokens::KeptNotice { notice, created_at, token_hash } = kept;
    // The key may have changed since the token was made.
    let token = notice.token.and_then(|id| {
        let mut candidates = keys.all().map(|key| account_token::secret(id, key));
        candidates.find(|secret| token_hash.is_some() && account_token::hash(secret) == token_hash)
    });
    OutboxEntry {
        id: notice.id,
        kind: notice.kind,
        recipient: notice.recipient,
        token,
        created_at,
        expires_at: notice.expires_at,
    }
}
