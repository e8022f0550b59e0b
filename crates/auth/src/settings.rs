//! What is wrong with the settings of accounts, for whoever asks whether the deployment works.

use std::borrow::Cow;

use host::{Host, VariablesError};
use secrecy::SecretString;

use crate::{account::NewAccount, keys::MIN_SECRET_BYTES};

/// A setting that is not as it has to be. The text names it and never tells its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {reason}")]
pub struct SettingFault {
    /// Which setting.
    pub name: &'static str,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

/// What is wrong with the settings of accounts, all of it: for a readiness probe.
pub async fn check_settings(host: &Host) -> Result<Vec<SettingFault>, VariablesError> {
    let mut faults = Vec::new();
    if host.variables.get("auth_secret").await?.is_some_and(|secret| secret.len() < MIN_SECRET_BYTES) {
        let reason = format!("has fewer than {MIN_SECRET_BYTES} bytes").into();
        faults.push(SettingFault { name: "auth_secret", reason });
    }
    if let Some(email) = host.variables.get("bootstrap_admin_email").await? {
        let password = host.variables.get("bootstrap_admin_password").await?.unwrap_or_default();
        let refused = NewAccount::parse(&email, SecretString::from(password), Some("Administrator")).err();
        for fault in refused.map(|refused| refused.0).unwrap_or_default() {
            let name = match fault.pointer.as_str() {
                "/email" => "bootstrap_admin_email",
                _ => "bootstrap_admin_password",
            };
            faults.push(SettingFault { name, reason: fault.detail.to_string().into() });
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use host::fake::Fakes;

    use super::*;

    #[tokio::test]
    async fn each_wrong_setting_is_named() {
        let fakes = Fakes::without_database();
        assert!(check_settings(&fakes.host).await.unwrap().is_empty());
        for (name, value) in
            [("auth_secret", "short"), ("bootstrap_admin_email", "root"), ("bootstrap_admin_password", "short")]
        {
            fakes.variables.set(name, value);
        }
        let names: Vec<_> = check_settings(&fakes.host).await.unwrap().into_iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["auth_secret", "bootstrap_admin_email", "bootstrap_admin_password"]);
    }
}
