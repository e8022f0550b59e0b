//! An account, and what it takes to open one.

use std::fmt;

use fault::{FieldFault, InvalidFields};
use ids::{Timestamp, UserId, WorkspaceId};
use secrecy::SecretString;

use crate::{
    address::{canonical_email, local_part},
    password::policy,
    permission::Role,
    principal::Principal,
};

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// May the account be used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// It may.
    Active,
    /// An administrator has closed it.
    Disabled,
}

/// An account as it is kept.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) workspace_name: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password_hash: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) status: Status,
    /// When its holder last proved that the address is theirs.
    pub(crate) email_verified_at: Option<Timestamp>,
}

impl Account {
    /// The holder of the account in the session `session`.
    pub(crate) fn principal(&self, session: ids::SessionId) -> Principal {
        Principal {
            user: self.user,
            email: self.email.clone(),
            email_verified: self.email_verified_at.is_some(),
            name: self.name.clone(),
            workspace: self.workspace,
            workspace_name: self.workspace_name.clone(),
            session,
            permissions: crate::Permissions::of(&self.roles),
            roles: self.roles.clone(),
        }
    }
}

/// What somebody says who wants an account, checked.
pub struct NewAccount {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: SecretString,
}

impl NewAccount {
    /// Checks what was said: pointers are into `{email, password, name}`. Without a name the account is called what its address begins with.
    pub fn parse(email: &str, password: SecretString, name: Option<&str>) -> Result<Self, InvalidFields> {
        let mut faults = Vec::new();
        let address = canonical_email(email);
        if address.is_none() {
            faults.push(FieldFault::new("/email", "has to be an e-mail address"));
        }
        let name = name.map(str::trim);
        if let Some(name) = name {
            let printable = !name.is_empty() && !name.contains(char::is_control);
            if !printable || name.chars().count() > MAX_NAME_CHARS {
                faults.push(FieldFault::new("/name", "has to have 1 to 100 printable characters"));
            }
        }
        let known = address.as_deref().unwrap_or(email);
        if let Some(fault) = policy::fault(&password, known, name.unwrap_or_default()) {
            faults.push(FieldFault::new("/password", fault));
        }
        match address {
            Some(email) if faults.is_empty() => {
                let name = name.map_or_else(|| local_part(&email).to_owned(), str::to_owned);
                Ok(Self { name, email, password })
            }
            _ => Err(InvalidFields(faults)),
        }
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(email: &str, password: &str, name: Option<&str>) -> Vec<String> {
        match NewAccount::parse(email, SecretString::from(password), name) {
            Ok(_) => Vec::new(),
            Err(InvalidFields(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(faults("ada", "short", Some("\u{7}")), ["/email", "/name", "/password"]);
        assert_eq!(faults("ada@example.org", &"x".repeat(1025), Some(&"x".repeat(101))), ["/name", "/password"]);
    }

    #[test]
    fn without_a_name_the_address_gives_one() {
        let account = NewAccount::parse("ada@example.org", SecretString::from("analytical engine"), None).unwrap();
        assert_eq!(account.name, "ada");
        assert!(!format!("{account:?}").contains("analytical"));
    }
}
