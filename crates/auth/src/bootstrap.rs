//! The first administrator: named by the settings, created when they first sign in.

use host::{Host, InvalidSetting, VariablesError};
use secrecy::SecretString;

use crate::{
    account::NewAccount,
    address::canonical_email,
    password::{self, policy},
};

/// What the administrator is called.
const NAME: &str = "Administrator";

/// The administrator that the settings name. Changing the settings later changes nothing about an account that is there.
#[derive(Clone, Debug)]
pub(crate) struct Bootstrap {
    /// In its one spelling.
    email: String,
    /// Without a password nobody can sign in as them, and nobody else can take their address.
    password: Option<SecretString>,
}

impl Bootstrap {
    /// True where `email`, in its one spelling, is the administrator's and nobody else's.
    pub(crate) fn reserves(&self, email: &str) -> bool {
        self.email == email
    }

    /// The account to create for who signs in with `email` and `password`, if they are the administrator.
    pub(crate) fn admits(&self, email: &str, password: &SecretString) -> Option<NewAccount> {
        let own = self.password.as_ref().filter(|own| self.email == email && password::is_same(own, password))?;
        Some(NewAccount { email: self.email.clone(), name: NAME.to_owned(), password: own.clone() })
    }
}

/// The administrator of the settings, or what is wrong with them.
pub(crate) async fn read(host: &Host) -> Result<Result<Option<Bootstrap>, Vec<InvalidSetting>>, VariablesError> {
    let email = host.variables.get("bootstrap_admin_email").await?;
    let password = host.variables.get("bootstrap_admin_password").await?.map(SecretString::from);
    let mut faults = Vec::new();
    let canonical = email.as_deref().and_then(canonical_email);
    if email.is_some() && canonical.is_none() {
        faults.push(InvalidSetting::new("bootstrap_admin_email", "has to be an e-mail address"));
    }
    let known = canonical.as_deref().unwrap_or_default();
    if let Some(reason) = password.as_ref().and_then(|password| policy::fault(password, known, NAME)) {
        faults.push(InvalidSetting::new("bootstrap_admin_password", reason));
    }
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    Ok(Ok(canonical.map(|email| Bootstrap { email, password })))
}
