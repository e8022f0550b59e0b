//! The first administrator: named by the settings, created when they first sign in.

use host::{Host, VariablesError};
use secrecy::SecretString;

use crate::account::{InvalidAccount, NewAccount, canonical_email};

/// Why the settings do not name an administrator, although they should.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The settings cannot be read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// `bootstrap_admin_email` or `bootstrap_admin_password` would be refused to anybody.
    #[error("bootstrap_admin_email or bootstrap_admin_password would not do for an account")]
    Unusable(#[from] InvalidAccount),
}

/// True where `email`, in its one spelling, is reserved for the administrator that the settings name.
pub(crate) async fn reserves(host: &Host, email: &str) -> Result<bool, VariablesError> {
    let reserved = host.variables.get("bootstrap_admin_email").await?;
    Ok(reserved.and_then(|reserved| canonical_email(&reserved)).is_some_and(|reserved| reserved == email))
}

/// The account to create for the administrator with the address `email`, if it is them. Changing the settings later changes
/// nothing about an account that is there.
pub(crate) async fn administrator(host: &Host, email: &str) -> Result<Option<NewAccount>, BootstrapError> {
    if !reserves(host, email).await? {
        return Ok(None);
    }
    let Some(password) = host.variables.get("bootstrap_admin_password").await? else { return Ok(None) };
    Ok(Some(NewAccount::parse(email, SecretString::from(password), Some("Administrator"))?))
}
