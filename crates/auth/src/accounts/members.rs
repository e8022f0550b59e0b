//! The accounts of a workspace, for those who look after them.

use host::sql::transact;
use ids::{Timestamp, UserId};

use super::{AccountError, Accounts};
use crate::{
    account::{Account, Status},
    permission::{Permissions, Role},
    principal::Principal,
    repo,
};

/// An account of a workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Names it.
    pub user: UserId,
    /// What its holder signs in with.
    pub email: String,
    /// True where they have proved that the address is theirs.
    pub email_verified: bool,
    /// What they want to be called.
    pub name: String,
    /// Their roles.
    pub roles: Vec<Role>,
    /// May it be used?
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl Member {
    fn new((account, created_at): (Account, Timestamp)) -> Self {
        Self {
            user: account.user,
            email: account.email,
            email_verified: account.email_verified_at.is_some(),
            name: account.name,
            roles: account.roles,
            status: account.status,
            created_at,
        }
    }
}

impl Accounts {
    /// At most `limit` accounts of `principal`'s workspace, from after `after` on.
    pub async fn members(
        &self,
        principal: &Principal,
        after: Option<UserId>,
        limit: i64,
    ) -> Result<Vec<Member>, AccountError> {
        let accounts = repo::accounts::of_workspace(&*self.host.sql, principal.workspace, after, limit).await?;
        Ok(accounts.into_iter().map(Member::new).collect())
    }

    /// Closes another account of the workspace, or opens it again. A closed one is out at once in this instance and within
    /// [`SESSION_TTL`](crate::SESSION_TTL) everywhere else.
    pub async fn set_status(
        &self,
        principal: &Principal,
        user: UserId,
        status: Status,
    ) -> Result<Member, AccountError> {
        let account = self.subordinate(principal, user).await?;
        let now = self.host.now();
        let mut work = vec![repo::accounts::set_status(account.workspace, account.user, status, now)];
        if status == Status::Disabled {
            work.push(repo::sessions::revoke_all(account.workspace, account.user, None, now));
        }
        transact(&*self.host.sql, &*self.host.clock, |transaction| {
            let work = work.clone();
            Box::pin(async move { transaction.execute_all(work).await })
        })
        .await?;
        self.authenticator.forget_all(user);
        tracing::info!(user_id = %principal.user, account = %user, %status, "an account got a status");
        let made_at = ids::Id::made_at(user);
        Ok(Member::new((Account { status, ..account }, made_at)))
    }

    /// Another account of the workspace, if `principal` may do all that it may.
    pub(super) async fn subordinate(&self, principal: &Principal, user: UserId) -> Result<Account, AccountError> {
        let account = repo::accounts::by_id(&*self.host.sql, principal.workspace, user).await?;
        let account = account.ok_or(AccountError::NoSuchAccount)?;
        if account.user == principal.user {
            return Err(AccountError::OwnAccount);
        }
        match Permissions::of(&account.roles).is_within(principal.permissions) {
            true => Ok(account),
            false => Err(AccountError::AboveYou),
        }
    }
}
