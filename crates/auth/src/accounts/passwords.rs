//! Changing a password, and resetting one that is forgotten.

use host::sql::{Statement, transact};
use ids::{SessionId, UserId};
use secrecy::SecretString;

use super::{AccountError, Accounts};
use crate::{
    account::Account,
    account_token::{IssuedToken, Purpose},
    limits::{self, Visitor},
    password::{self, Verdict, policy},
    principal::Principal,
    repo,
    session::Device,
    settings::Settings,
};

impl Accounts {
    /// Gives `principal` the password `new` in place of `current`, and ends their other sessions.
    pub async fn change_password(
        &self,
        principal: &Principal,
        (current, new): (&SecretString, &SecretString),
        device: Device,
    ) -> Result<(), AccountError> {
        let settings = self.settings().await?;
        let account = self.confirm(principal, current, device, &settings).await?;
        let hash = self.fit(&account, new, &settings).await?;
        self.replace(&account, &hash, None, Some(principal.session)).await
    }

    /// The account of `principal`, if they give its password.
    pub(super) async fn confirm(
        &self,
        principal: &Principal,
        password: &SecretString,
        device: Device,
        settings: &Settings,
    ) -> Result<Account, AccountError> {
        let keys = self.authenticator.keys(self.host.now()).await?;
        let address = device.behind(settings.trusted_proxies).address;
        let buckets = Visitor { key: keys.signing(), address }.signing_in(&principal.email);
        limits::admit(&self.host, &buckets).await?;
        let account = repo::accounts::by_id(&*self.host.sql, principal.workspace, principal.user).await?;
        if self.compare(password, account.as_ref(), settings).await? == Verdict::Wrong {
            self.count_failure(&buckets).await?;
            return Err(AccountError::WrongCredentials);
        }
        self.give_back(&buckets).await?;
        account.ok_or(AccountError::WrongCredentials)
    }

    /// Gives the account that `token` was sent to the password `new`, and ends all of its sessions.
    pub async fn reset_password(
        &self,
        token: &SecretString,
        new: &SecretString,
        device: Device,
    ) -> Result<(), AccountError> {
        let settings = self.settings().await?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        let visitor = Visitor { key: keys.signing(), address: device.behind(settings.trusted_proxies).address };
        let buckets = visitor.coming();
        limits::admit(&self.host, &buckets).await?;
        let token = self.token(token, Purpose::PasswordReset).await?;
        let user = token.user.ok_or(AccountError::InvalidAccountToken)?;
        let account = repo::accounts::by_id(&*self.host.sql, token.workspace, user).await?;
        let account = account.ok_or(AccountError::InvalidAccountToken)?;
        let hash = self.fit(&account, new, &settings).await?;
        let use_up = repo::tokens::use_up(&token, self.host.now());
        self.replace(&account, &hash, Some(use_up), None).await?;
        self.give_back(&buckets).await
    }

    /// A token with which the holder of another account of the workspace sets a new password. It is told once, to whoever asks
    /// for it; that is for those who may do all that the other may.
    pub async fn issue_password_reset(&self, principal: &Principal, user: UserId) -> Result<IssuedToken, AccountError> {
        let account = self.subordinate(principal, user).await?;
        let (_, issued, statement) = self.issue(account.workspace, Some(account.user), Purpose::PasswordReset).await?;
        self.write(vec![statement]).await?;
        tracing::info!(user_id = %principal.user, account = %account.user, "a token for a new password was handed out");
        Ok(issued)
    }

    /// The hash of `new`, if it will do for `account`.
    async fn fit(&self, account: &Account, new: &SecretString, settings: &Settings) -> Result<String, AccountError> {
        if let Some(reason) = policy::fault(new, &account.email, &account.name) {
            return Err(AccountError::UnfitPassword { pointer: "/new_password", reason });
        }
        let hash = || password::hash(new, &*self.host.random);
        Ok(limits::in_turn(&self.host, settings.hashes_at_once, hash).await??)
    }

    /// Writes the new hash, ends the sessions but `except` and makes older letters useless, all of it or nothing.
    async fn replace(
        &self,
        account: &Account,
        hash: &str,
        use_up: Option<Statement>,
        except: Option<SessionId>,
    ) -> Result<(), AccountError> {
        let now = self.host.now();
        let (workspace, user) = (account.workspace, account.user);
        // Somebody else was faster with the same token, or from the same password.
        let is_reset = use_up.is_some();
        let conditions: Vec<Statement> =
            use_up.into_iter().chain([repo::accounts::replace_password_hash(account, hash, now)]).collect();
        let consequences = vec![
            repo::sessions::revoke_all(workspace, user, except, now),
            repo::tokens::use_up_all(workspace, user, Purpose::PasswordReset, now),
        ];
        transact(&*self.host.sql, &*self.host.clock, |transaction| {
            let (conditions, consequences) = (conditions.clone(), consequences.clone());
            Box::pin(async move {
                for condition in conditions {
                    if transaction.affected(condition).await? == 0 {
                        return Err(match is_reset {
                            true => AccountError::InvalidAccountToken,
                            false => AccountError::WrongCredentials,
                        });
                    }
                }
                Ok(transaction.execute_all(consequences).await?)
            })
        })
        .await?;
        self.authenticator.forget_all(user);
        tracing::info!(user_id = %user, "a password was replaced; the other sessions of the account have ended");
        Ok(())
    }
}
