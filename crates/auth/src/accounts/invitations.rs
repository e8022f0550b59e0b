//! Inviting people into a workspace.

use fault::{FieldFault, InvalidFields};

use super::{AccountError, Accounts};
use crate::{
    account_token::{AccountToken, IssuedToken, Purpose},
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
    /// `principal` may not.
    pub async fn invite(&self, principal: &Principal, invitation: Invitation) -> Result<IssuedToken, AccountError> {
        if !Permissions::of(&[invitation.role]).is_within(principal.permissions) {
            return Err(AccountError::AboveYou);
        }
        let token = AccountToken {
            id: self.host.new_id(),
            workspace: principal.workspace,
            user: None,
            purpose: Purpose::Invitation,
            email: invitation.email,
            role: Some(invitation.role),
            expires_at: self.host.now() + Purpose::Invitation.ttl(),
        };
        let (token, issued, statement) = self.issued(token).await?;
        self.write(vec![statement]).await?;
        tracing::info!(user_id = %principal.user, invitation = %token.id, role = %invitation.role, "somebody was invited");
        Ok(issued)
    }
}
