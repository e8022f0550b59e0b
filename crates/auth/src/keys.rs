//! Where the key that signs access tokens comes from.

use fault::{Fault, Kind};
use host::{Host, VariablesError, sql::SqlError};
use ids::Timestamp;

use crate::{repo, token::TokenKey};

/// What a key is made of at least (RFC 7518, section 3.2).
pub(crate) const MIN_SECRET_BYTES: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// `auth_secret` is set, but an attacker could guess it.
    #[error("the setting auth_secret has fewer than {MIN_SECRET_BYTES} bytes")]
    TooShort,
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

impl Fault for KeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooShort | Self::Variables(_) => Kind::Internal,
            Self::Sql(error) => error.kind(),
            Self::Schema(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooShort | Self::Variables(_) => "misconfigured",
            Self::Sql(error) => error.code(),
            Self::Schema(error) => error.code(),
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Sql(error) => error.retry_after_ms(),
            Self::Schema(error) => error.retry_after_ms(),
            Self::TooShort | Self::Variables(_) => None,
        }
    }
}

/// The key of the deployment: the setting `auth_secret`, or where that is empty one that was made by whoever needed it
/// first and is kept in the database.
pub(crate) async fn signing_key(host: &Host) -> Result<TokenKey, KeyError> {
    if let Some(secret) = host.variables.get("auth_secret").await? {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::TooShort);
        }
        return Ok(TokenKey::new(secret.as_bytes()));
    }
    host::ready(host).await?;
    if let Some(secret) = repo::signing_key(&*host.sql).await? {
        return Ok(TokenKey::new(&secret));
    }
    let mut fresh = [0; MIN_SECRET_BYTES];
    host.random.fill(&mut fresh);
    let now: Timestamp = host.now();
    // The first writer wins; whoever comes second uses the first one's key.
    let secret = repo::keep_signing_key(&*host.sql, &fresh, now).await?;
    Ok(TokenKey::new(&secret))
}
