//! Where the keys that sign and verify access tokens come from.

use fault::faults;
use host::{
    Host, InvalidSetting, VariablesError,
    sql::{Dialect, SqlError},
};

use crate::{
    repo,
    token::{Keys, TokenKey},
};

/// What a key is made of at least (RFC 7518, section 3.2).
pub(crate) const MIN_SECRET_BYTES: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A secret is missing, or an attacker could guess it.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The settings cannot be read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// The database does not give it.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The database is not in a state to be asked.
    #[error(transparent)]
    Schema(#[from] host::ReadyError),
}

faults! { KeyError {
    Self::Setting(_) | Self::Variables(_) => Internal "misconfigured",
    Self::Sql(error) => error,
    Self::Schema(error) => error,
} }

/// The secrets of the settings: the one that signs, where there is one, and those that only verify.
struct Secrets {
    signing: Option<String>,
    others: Vec<String>,
}

impl Secrets {
    /// Reads `auth_secret` and `auth_secret_previous`, a list of secrets with commas between them.
    fn parse(secret: Option<String>, previous: Option<&str>, dialect: Dialect) -> Result<Self, InvalidSetting> {
        match &secret {
            // Whoever can read the database or a backup of it could sign tokens in anybody's name.
            None if dialect == Dialect::MariaDb => {
                return Err(InvalidSetting::new("auth_secret", "is required with MariaDB; 32 bytes or more"));
            }
            Some(secret) if secret.len() < MIN_SECRET_BYTES => {
                return Err(InvalidSetting::new("auth_secret", "has fewer than 32 bytes"));
            }
            _ => {}
        }
        let others: Vec<String> = previous
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        if others.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
            return Err(InvalidSetting::new("auth_secret_previous", "has a secret of fewer than 32 bytes"));
        }
        Ok(Self { signing: secret, others })
    }

    async fn read(host: &Host) -> Result<Self, KeyError> {
        let previous = host.variables.get("auth_secret_previous").await?;
        let secret = host.variables.get("auth_secret").await?;
        Ok(Self::parse(secret, previous.as_deref(), host.sql.dialect())?)
    }
}

/// What is wrong with the secrets of the settings, if something is.
pub(crate) async fn check(host: &Host) -> Result<Option<InvalidSetting>, VariablesError> {
    match Secrets::read(host).await {
        Err(KeyError::Setting(fault)) => Ok(Some(fault)),
        Err(KeyError::Variables(error)) => Err(error),
        // Reading settings asks neither the database nor its schema.
        Ok(_) | Err(KeyError::Sql(_) | KeyError::Schema(_)) => Ok(None),
    }
}

/// The keys of the deployment: the setting `auth_secret` signs, or where that is empty (with SQLite only) a key that was made
/// by whoever needed it first and is kept in the database. The secrets of `auth_secret_previous` verify too, so that nobody is
/// signed out by a change.
pub(crate) async fn keys(host: &Host) -> Result<Keys, KeyError> {
    let secrets = Secrets::read(host).await?;
    let others = secrets.others.iter().map(|secret| TokenKey::new(secret.as_bytes())).collect();
    let signing = match secrets.signing {
        Some(secret) => TokenKey::new(secret.as_bytes()),
        None => kept(host).await?,
    };
    Ok(Keys::new(signing, others))
}

/// The key that the database keeps.
async fn kept(host: &Host) -> Result<TokenKey, KeyError> {
    host::ready(host).await?;
    if let Some(secret) = repo::keys::signing_key(&*host.sql).await? {
        return Ok(TokenKey::new(&secret));
    }
    let mut fresh = [0; MIN_SECRET_BYTES];
    host.random.fill(&mut fresh);
    // The first writer wins; whoever comes second uses the first one's key.
    let secret = repo::keys::keep_signing_key(&*host.sql, &fresh, host.now()).await?;
    Ok(TokenKey::new(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(secret: &str, previous: &str, dialect: Dialect) -> Option<String> {
        let secret = Some(secret.to_owned()).filter(|secret| !secret.is_empty());
        Secrets::parse(secret, Some(previous), dialect).err().map(|fault| fault.to_string())
    }

    #[test]
    fn a_secret_is_long_enough_and_with_mariadb_there_is_one() {
        let good = "a secret of more than thirty-two bytes";
        assert_eq!(fault(good, "", Dialect::MariaDb), None);
        assert_eq!(fault("", "", Dialect::Sqlite), None);
        assert_eq!(
            fault("", "", Dialect::MariaDb).unwrap(),
            "the setting auth_secret is required with MariaDB; 32 bytes or more"
        );
        assert_eq!(
            fault(&"x".repeat(31), "", Dialect::Sqlite).unwrap(),
            "the setting auth_secret has fewer than 32 bytes"
        );
        assert_eq!(fault(good, &format!(" {good} , {good},"), Dialect::MariaDb), None);
        let short = format!("{good},short");
        assert_eq!(
            fault(good, &short, Dialect::Sqlite).unwrap(),
            "the setting auth_secret_previous has a secret of fewer than 32 bytes"
        );
    }
}
