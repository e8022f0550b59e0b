//! The access tokens that an instance has verified, so that it does not do the same cryptography for each request.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use ids::Timestamp;

use crate::token::{AccessClaims, InvalidToken, TokenKey};

/// How many tokens an instance remembers; each takes half a kilobyte.
const MAX_TOKENS: usize = 1024;

/// Genuine tokens and what they say. Forged ones are not remembered, so that they cannot fill it.
#[derive(Default)]
pub(crate) struct Verified(Mutex<HashMap<Box<str>, AccessClaims>>);

impl Verified {
    /// What `token` says, if it is genuine and has not expired by `now`.
    pub(crate) fn verify(&self, key: &TokenKey, token: &str, now: Timestamp) -> Result<AccessClaims, InvalidToken> {
        let known = self.tokens().get(token).copied();
        if let Some(claims) = known {
            return claims.unless_expired(now);
        }
        let claims = key.verify(token)?.unless_expired(now)?;
        let mut tokens = self.tokens();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, claims| now < claims.expires_at);
        }
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(token.into(), claims);
        Ok(claims)
    }

    /// A panic ends the instance, so there is no one left to see a poisoned lock.
    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, AccessClaims>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids::{Id, SessionId, UserId, WorkspaceId};
    use secrecy::ExposeSecret;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn token(key: &TokenKey, number: u16) -> (String, AccessClaims) {
        let mut random = [0; 10];
        random[..2].copy_from_slice(&number.to_be_bytes());
        let claims = AccessClaims {
            user: UserId::new(NOW, random),
            workspace: WorkspaceId::new(NOW, random),
            session: SessionId::new(NOW, random),
            expires_at: NOW + Duration::from_secs(60),
        };
        (key.sign(claims, &[], NOW).unwrap().expose_secret().to_owned(), claims)
    }

    #[test]
    fn a_token_that_is_known_expires_all_the_same() {
        let (verified, key) = (Verified::default(), TokenKey::new(&[7; 32]));
        let (token, claims) = token(&key, 1);
        for _ in 0..2 {
            assert_eq!(verified.verify(&key, &token, NOW), Ok(claims));
        }
        assert_eq!(verified.verify(&key, &token, claims.expires_at), Err(InvalidToken::Expired));
        assert_eq!(verified.verify(&key, &token[..token.len() - 1], NOW), Err(InvalidToken::Forged));
    }

    #[test]
    fn only_genuine_tokens_are_remembered_and_not_too_many() {
        let (verified, key) = (Verified::default(), TokenKey::new(&[7; 32]));
        for number in 0..2000 {
            let (token, claims) = token(&key, number);
            assert_eq!(verified.verify(&key, &format!("{token}x"), NOW), Err(InvalidToken::Forged));
            assert_eq!(verified.verify(&key, &token, NOW), Ok(claims));
            assert!(verified.tokens().len() <= MAX_TOKENS);
        }
    }
}
