//! Inviting people into a workspace.

use fault::{FieldFault, InvalidFields};
use idempotency::{Attempt, Outcome, Owner, Stored};
use ids::{AccountTokenId, Id, Timestamp};

use super::{AccountError, Accounts};
use crate::{
    account_token::{self, AccountToken, IssuedToken, Purpose},
    address::canonical_email,
    permission::{Permissions, Role},
    principal::Principal,
};

/// Whom somebody invites, checked.
#[derive(Clone, Debug)]
pub struct Invitation {
    email: Option<String>,
    role: Role,
}

impl Invitation {
    /// Checks whom somebody invites: whoever has this address, or without one whoever gets the token. Pointers
    /// are into `{email, role}`.
    pub fn parse(email: Option<&str>, role: &str) -> Result<Self, InvalidFields> {
        let mut faults = Vec::new();
        let canonical = email.map(canonical_email);
        if canonical == Some(None) {
            faults.push(FieldFault::new("/email", "has to be an e-mail address"));
        }
        match role.parse() {
            Ok(role) if faults.is_empty() => return Ok(Self { email: canonical.flatten(), role }),
            Ok(_) => {}
            Err(_) => faults.push(FieldFault::new("/role", "has to be admin, owner, member or viewer")),
        }
        Err(InvalidFields(faults))
    }
}

impl Accounts {
    /// A token with which somebody opens an account in `principal`'s workspace. The role that it gives may nothing that
    /// `principal` may not. Under an idempotency key there is one, which is told again until somebody has used it.
    pub async fn invite(
        &self,
        principal: &Principal,
        invitation: Invitation,
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<IssuedToken>, AccountError> {
        if !Permissions::of(&[invitation.role]).is_within(principal.permissions) {
            return Err(AccountError::AboveYou);
        }
        let id: AccountTokenId = self.host.new_id();
        let token = AccountToken {
            id,
            workspace: principal.workspace,
            user: None,
            purpose: Purpose::Invitation,
            email: invitation.email,
            role: Some(invitation.role),
            expires_at: expiry(id),
        };
        let (token, issued, statement) = self.issued(token).await?;
        let owner = Owner { workspace: principal.workspace, user: principal.user };
        if let Stored::Before(id) = self.write_once(owner, attempt, &id.to_string(), vec![statement]).await? {
            return Ok(Outcome { value: self.invitation_again(&id).await?, is_replay: true });
        }
        tracing::info!(user_id = %principal.user, invitation = %token.id, role = %invitation.role, "somebody was invited");
        Ok(Outcome { value: issued, is_replay: false })
    }

    /// The token of an invitation that nobody has used yet, derived again.
    async fn invitation_again(&self, id: &str) -> Result<IssuedToken, AccountError> {
        let id: AccountTokenId = id.parse().map_err(|_| AccountError::NoLongerKept)?;
        let keys = self.authenticator.keys(self.host.now()).await?;
        // The key may have changed since.
        for key in keys.all() {
            let token = account_token::secret(id, key);
            match self.token(&token, Purpose::Invitation).await {
                Ok(_) => return Ok(IssuedToken { token, expires_at: expiry(id) }),
                Err(AccountError::InvalidAccountToken) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AccountError::NoLongerKept)
    }
}

fn expiry(id: AccountTokenId) -> Timestamp {
    id.made_at() + Purpose::Invitation.ttl()
}
