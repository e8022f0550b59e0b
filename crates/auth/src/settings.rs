//! The settings of accounts, checked: what is wrong with each of them is said in one sentence.

use std::time::Duration;

use fault::faults;
use host::{Host, InvalidSetting, VariablesError, sql::Dialect};

use crate::{
    bootstrap::{self, Bootstrap},
    keys,
};

/// Why the settings are of no use.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// One of them, or more, are not as they have to be.
    #[error("the settings are not as they have to be: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<InvalidSetting>),
    /// They cannot be read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
}

faults! { SettingsError {
    Self::Wrong(_) | Self::Variables(_) => Internal "misconfigured",
} }

/// Who may open an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Registration {
    /// Everybody who reaches the deployment.
    Open,
    /// Who brings an invitation.
    Invite,
    /// Nobody; the administrator of the settings is there without it.
    Closed,
}

/// Who may open an account, and why that is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationRule {
    /// Who may.
    pub registration: Registration,
    /// Why, for whoever runs the deployment.
    pub because: &'static str,
}

impl RegistrationRule {
    /// What holds where the setting is `setting`. Without it an account is for the asking only where nothing can be spent
    /// and nobody else is expected: on SQLite, with the scripted model.
    fn new(setting: Option<Registration>, dialect: Dialect, has_provider: bool) -> Self {
        let (registration, because) = match (setting, dialect, has_provider) {
            (Some(registration), ..) => (registration, "the setting registration says so"),
            (None, Dialect::MariaDb, _) => {
                (Registration::Closed, "the setting registration is empty and MariaDB is used")
            }
            (None, _, true) => (Registration::Closed, "the setting registration is empty and a model provider is set"),
            (None, _, false) => {
                (Registration::Open, "the setting registration is empty, SQLite is used and no model provider is set")
            }
        };
        Self { registration, because }
    }
}

/// The settings of accounts.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) registration: RegistrationRule,
    /// How long a session lasts at most, however often it is refreshed.
    pub(crate) session_max: Duration,
    /// True where an account can be used only after its holder has proved that the address is theirs.
    pub(crate) require_verified_email: bool,
    /// How many proxies in front of us can be believed about the address of a client.
    pub(crate) trusted_proxies: usize,
    /// How many passwords the whole deployment hashes at a time.
    pub(crate) hashes_at_once: i64,
    /// The administrator of the settings, where they name one.
    pub(crate) bootstrap: Option<Bootstrap>,
}

impl Settings {
    /// Reads and checks them.
    pub(crate) async fn read(host: &Host) -> Result<Self, SettingsError> {
        let mut reading = Reading { host, faults: Vec::new() };
        let settings = reading.settings().await?;
        if reading.faults.is_empty() { Ok(settings) } else { Err(SettingsError::Wrong(reading.faults)) }
    }
}

/// What is wrong with the settings of accounts, all of it: for a readiness probe.
pub async fn check_settings(host: &Host) -> Result<Vec<InvalidSetting>, VariablesError> {
    let mut reading = Reading { host, faults: Vec::new() };
    reading.settings().await?;
    reading.faults.extend(keys::check(host).await?);
    Ok(reading.faults)
}

/// Reads settings one after the other and gathers what is wrong with them.
struct Reading<'h> {
    host: &'h Host,
    faults: Vec<InvalidSetting>,
}

impl Reading<'_> {
    async fn settings(&mut self) -> Result<Settings, VariablesError> {
        let registration =
            self.parse("registration", None, "has to be open, invite or closed", |text| text.parse().ok().map(Some));
        let registration = registration.await?;
        let has_provider = self.host.variables.get("openai_url").await?.is_some();
        let days =
            self.parse("session_max_days", 90, "has to be a number from 1 to 3650", |it| within(it, 1, 3650)).await?;
        Ok(Settings {
            registration: RegistrationRule::new(registration, self.host.sql.dialect(), has_provider),
            session_max: Duration::from_secs(days * 24 * 60 * 60),
            require_verified_email: self
                .parse("require_verified_email", false, "has to be true or false", |text| text.parse().ok())
                .await?,
            trusted_proxies: self
                .parse("trusted_proxies", 0, "has to be a number from 0 to 10", |text| within(text, 0, 10))
                .await? as usize,
            hashes_at_once: self
                .parse("hashes_at_once", 1, "has to be a number from 1 to 64", |text| within(text, 1, 64))
                .await? as i64,
            bootstrap: bootstrap::read(self.host).await?.unwrap_or_else(|faults| {
                self.faults.extend(faults);
                None
            }),
        })
    }

    /// The setting `name`, or `default` where it is empty, or where it is wrong, which is noted down.
    async fn parse<T>(
        &mut self,
        name: &'static str,
        default: T,
        rule: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, VariablesError> {
        let Some(text) = self.host.variables.get(name).await? else { return Ok(default) };
        Ok(parse(text.trim()).unwrap_or_else(|| {
            self.faults.push(InvalidSetting::new(name, rule));
            default
        }))
    }
}

fn within(text: &str, least: u64, most: u64) -> Option<u64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

#[cfg(test)]
mod tests {
    use host::fake::Fakes;

    use super::*;

    async fn faults(settings: &[(&str, &str)]) -> Vec<String> {
        let fakes = Fakes::without_database();
        for (name, value) in settings {
            fakes.variables.set(name, value);
        }
        check_settings(&fakes.host).await.unwrap().iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn each_wrong_setting_has_its_message() {
        let wrong = [
            ("registration", "Open"),
            ("session_max_days", "0"),
            ("require_verified_email", "yes"),
            ("trusted_proxies", "-1"),
            ("hashes_at_once", "65"),
            ("bootstrap_admin_email", "root"),
            ("bootstrap_admin_password", "short"),
            ("auth_secret", "short"),
        ];
        insta::assert_snapshot!(faults(&wrong).await.join("\n"), @r"
        the setting registration has to be open, invite or closed
        the setting session_max_days has to be a number from 1 to 3650
        the setting require_verified_email has to be true or false
        the setting trusted_proxies has to be a number from 0 to 10
        the setting hashes_at_once has to be a number from 1 to 64
        the setting bootstrap_admin_email has to be an e-mail address
        the setting bootstrap_admin_password has to have at least 8 characters
        the setting auth_secret has fewer than 32 bytes
        ");
        assert!(faults(&[]).await.is_empty());
    }

    #[test]
    fn an_account_is_for_the_asking_only_where_nothing_can_be_spent() {
        let rule = |setting, dialect, has_provider| RegistrationRule::new(setting, dialect, has_provider).registration;
        assert_eq!(rule(None, Dialect::Sqlite, false), Registration::Open);
        assert_eq!(rule(None, Dialect::Sqlite, true), Registration::Closed);
        assert_eq!(rule(None, Dialect::MariaDb, false), Registration::Closed);
        assert_eq!(rule(Some(Registration::Open), Dialect::MariaDb, true), Registration::Open);
        assert_eq!(rule(Some(Registration::Invite), Dialect::Sqlite, false), Registration::Invite);
    }
}
