//! An account, and what it takes to open one.

use std::{fmt, str::FromStr};

use fault::{Fault, FieldFault, Kind};
use ids::{UserId, WorkspaceId};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    permission::{Role, UnknownName},
    principal::Principal,
};

/// An address is at most this long, in bytes (RFC 5321, section 4.5.3.1, with erratum 1690).
const MAX_EMAIL_BYTES: usize = 254;

/// How long a password is: at least so many characters (OWASP Authentication cheat sheet), at most so many bytes, because
/// hashing it costs.
const MIN_PASSWORD_CHARS: usize = 10;
pub(crate) const MAX_PASSWORD_BYTES: usize = 1024;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// May the account be used?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Disabled,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == name).ok_or(UnknownName)
    }
}

/// An account as it is kept.
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) workspace_name: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password_hash: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) status: Status,
}

impl Account {
    /// The holder of the account in the session `session`.
    pub(crate) fn principal(&self, session: ids::SessionId) -> Principal {
        Principal {
            user: self.user,
            email: self.email.clone(),
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

/// What is wrong with it, field by field: pointers into `{email, password, name}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The account cannot be opened like this; `errors` says why.")]
pub struct InvalidAccount(pub Vec<FieldFault>);

impl Fault for InvalidAccount {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        "invalid_request"
    }

    fn fields(&self) -> Vec<FieldFault> {
        self.0.clone()
    }
}

impl NewAccount {
    /// Checks what was said. Without a name the account is called what its address begins with.
    pub fn parse(email: &str, password: SecretString, name: Option<&str>) -> Result<Self, InvalidAccount> {
        let mut faults = Vec::new();
        let address = canonical_email(email);
        if address.is_none() {
            faults.push(FieldFault::new("/email", "has to be an e-mail address"));
        }
        let secret = password.expose_secret();
        if secret.chars().count() < MIN_PASSWORD_CHARS {
            faults.push(FieldFault::new("/password", "has to have at least 10 characters"));
        } else if secret.len() > MAX_PASSWORD_BYTES {
            faults.push(FieldFault::new("/password", "has to have at most 1024 bytes"));
        }
        let name = name.map(str::trim);
        if let Some(name) = name {
            let printable = !name.is_empty() && !name.contains(char::is_control);
            if !printable || name.chars().count() > MAX_NAME_CHARS {
                faults.push(FieldFault::new("/name", "has to have 1 to 100 printable characters"));
            }
        }
        match address {
            Some(email) if faults.is_empty() => {
                let name = name.map_or_else(|| local_part(&email).to_owned(), str::to_owned);
                Ok(Self { name, email, password })
            }
            _ => Err(InvalidAccount(faults)),
        }
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").finish_non_exhaustive()
    }
}

/// The one spelling of an address under which an account is found, if `email` may be an address at all. Whether it is one,
/// only a letter to it could tell.
pub(crate) fn canonical_email(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let plausible = |part: &str| {
        !part.is_empty()
            && !part.contains(|char: char| char.is_whitespace() || char.is_control() || "\"(),:;<>@[\\]".contains(char))
    };
    let fits = email.len() <= MAX_EMAIL_BYTES && local.len() <= 64;
    let labels = domain.split('.').all(|label| !label.is_empty());
    (fits && labels && plausible(local) && plausible(domain)).then_some(email)
}

fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(email: &str, password: &str, name: Option<&str>) -> Vec<String> {
        match NewAccount::parse(email, SecretString::from(password), name) {
            Ok(_) => Vec::new(),
            Err(InvalidAccount(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(faults("ada", "short", Some("\u{7}")), ["/email", "/password", "/name"]);
        assert_eq!(faults("ada@example.org", &"x".repeat(1025), Some(&"x".repeat(101))), ["/password", "/name"]);
    }

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(canonical_email(" Ada.Lovelace@Example.ORG ").as_deref(), Some("ada.lovelace@example.org"));
        assert_eq!(canonical_email("ada+tag@localhost").as_deref(), Some("ada+tag@localhost"));
        assert_eq!(canonical_email("josé@bücher.example").as_deref(), Some("josé@bücher.example"));
    }

    #[test]
    fn what_cannot_be_an_address_is_none() {
        let long = format!("{}@example.org", "x".repeat(65));
        let longer = format!("ada@{}", "x.".repeat(130));
        for hostile in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b..c",
            "a@.b",
            "a\r\nBcc: x@y",
            "a@b\0",
            "\"a\"@b",
            "<a@b>",
            "a@b@c",
            &long,
            &longer,
        ] {
            assert_eq!(canonical_email(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn without_a_name_the_address_gives_one() {
        let account = NewAccount::parse("ada@example.org", SecretString::from("analytical engine"), None).unwrap();
        assert_eq!(account.name, "ada");
        assert!(!format!("{account:?}").contains("analytical"));
    }
}
