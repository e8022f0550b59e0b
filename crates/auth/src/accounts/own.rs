//! One's own account: its data, and its end.

use ids::{Id, SessionId, Timestamp};
use secrecy::SecretString;

use super::{AccountError, Accounts};
use crate::{
    account::{Account, Status},
    permission::{Permission, Permissions},
    principal::Principal,
    repo,
    session::{Device, Session},
};

/// How many sessions an export holds at most, the newest; a session ends after a month without use.
const MAX_SESSIONS: i64 = 1000;

/// How many accounts of a workspace are looked through for another owner.
const MAX_MEMBERS: i64 = 1000;

/// What is kept of somebody, as far as accounts go.
#[derive(Clone, Debug)]
pub struct Export {
    /// Who they are.
    pub principal: Principal,
    /// When the account was opened.
    pub opened_at: Timestamp,
    /// When they last proved that the address is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// Their sessions that go on, newest first.
    pub sessions: Vec<Session>,
}

impl Accounts {
    /// What is kept of `principal`.
    pub async fn export(&self, principal: &Principal) -> Result<Export, AccountError> {
        let account = repo::accounts::by_id(&*self.host.sql, principal.workspace, principal.user).await?;
        let account = account.ok_or(AccountError::NoSuchAccount)?;
        let sessions = self.sessions(principal, None::<SessionId>, MAX_SESSIONS).await?;
        Ok(Export {
            principal: principal.clone(),
            opened_at: principal.user.made_at(),
            email_verified_at: account.email_verified_at,
            sessions,
        })
    }

    /// Deletes the account of `principal`, who gives its password, with its sessions and tokens. Whoever owns a workspace in
    /// which others work leaves it only to another owner.
    pub async fn delete(
        &self,
        principal: &Principal,
        password: &SecretString,
        device: Device,
    ) -> Result<(), AccountError> {
        let settings = self.settings().await?;
        let account = self.confirm(principal, password, device, &settings).await?;
        let members = repo::accounts::of_workspace(&*self.host.sql, account.workspace, None, MAX_MEMBERS).await?;
        if would_be_orphaned(&account, &members) {
            return Err(AccountError::LastOwner);
        }
        let delete = repo::accounts::delete(account.workspace, account.user);
        self.host.sql.execute(delete).await?;
        self.authenticator.forget_all(account.user);
        tracing::info!(user_id = %account.user, workspace_id = %account.workspace, "an account was deleted by its holder");
        Ok(())
    }
}

/// True where others work in the workspace of `account` and nobody among them could look after it.
fn would_be_orphaned(account: &Account, members: &[(Account, Timestamp)]) -> bool {
    let looks_after = |account: &Account| Permissions::of(&account.roles).contains(Permission::UsersWrite);
    let others: Vec<&Account> = members.iter().map(|(it, _)| it).filter(|it| it.user != account.user).collect();
    let successor = others.iter().any(|other| other.status == Status::Active && looks_after(other));
    looks_after(account) && !others.is_empty() && !successor
}
