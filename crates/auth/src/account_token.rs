//! Tokens for one purpose and one use: a new password, the proof of an address, an invitation.

use std::time::Duration;

use ids::{AccountTokenId, Timestamp, UserId, WorkspaceId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{hex::hex, permission::Role, token::TokenKey};

/// What such a token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "kowa_";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Purpose {
    PasswordReset,
    EmailVerification,
    Invitation,
}

impl Purpose {
    /// How long such a token is good for.
    pub(crate) const fn ttl(self) -> Duration {
        let hours = match self {
            Self::PasswordReset => 1,
            Self::EmailVerification => 3 * 24,
            Self::Invitation => 7 * 24,
        };
        Duration::from_secs(hours * 60 * 60)
    }
}

/// What is kept of a token, and of whom it is.
#[derive(Clone, Debug)]
pub(crate) struct AccountToken {
    pub(crate) id: AccountTokenId,
    pub(crate) workspace: WorkspaceId,
    /// Whose account it is about; nobody's yet where it is an invitation.
    pub(crate) user: Option<UserId>,
    pub(crate) purpose: Purpose,
    /// Of an invitation: whom it is for, in one spelling; without it, for anybody who has it.
    pub(crate) email: Option<String>,
    /// Of an invitation: the role that it gives.
    pub(crate) role: Option<Role>,
    pub(crate) expires_at: Timestamp,
}

/// The token with the id `id` in clear. It follows from the id and the server's key: it can be shown when a letter is read,
/// and who has the database alone has no token.
pub(crate) fn secret(id: AccountTokenId, key: &TokenKey) -> SecretString {
    format!("{PREFIX}{}", hex(&key.derive("account token", id.to_string().as_bytes()))).into()
}

/// What is kept of `token`, if it looks like one; whether it is one, the database knows.
pub(crate) fn hash(token: &SecretString) -> Option<String> {
    let text = token.expose_secret();
    let digits = text.strip_prefix(PREFIX)?;
    let looks_right = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    looks_right.then(|| hex(&Sha256::digest(text)))
}

/// A token as it is handed out, once.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// In clear.
    pub token: SecretString,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use ids::Id;

    use super::*;

    #[test]
    fn a_token_follows_from_its_id_and_the_key() {
        let (now, key) = (Timestamp::from_millis(1_764_000_000_000), TokenKey::new(&[1; 32]));
        let token = secret(AccountTokenId::new(now, [1; 10]), &key);
        assert_eq!(hash(&token), hash(&secret(AccountTokenId::new(now, [1; 10]), &key)));
        assert_ne!(hash(&token), hash(&secret(AccountTokenId::new(now, [2; 10]), &key)));
        assert_ne!(hash(&token), hash(&secret(AccountTokenId::new(now, [1; 10]), &TokenKey::new(&[2; 32]))));
        assert!(hash(&token).is_some());
        for hostile in ["", "kowa_", "kowr_00", &format!("kowa_{}", "A".repeat(64))] {
            assert_eq!(hash(&SecretString::from(hostile)), None);
        }
    }
}
