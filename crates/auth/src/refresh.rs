//! Refresh tokens: opaque, good for one exchange, kept as a hash only.

use std::time::Duration;

use host::Random;
use idempotency::Attempt;
use ids::SessionId;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{hex::hex, token::TokenKey};

/// How long a refresh token is good for, and so how long a session lasts that nobody uses.
pub const REFRESH_TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// For how long a token that was exchanged gives the same successor again while that is unused: two tabs exchange it at the
/// same time, or the answer to the first exchange got lost.
pub const REPLAY_WINDOW: Duration = Duration::from_secs(30);

/// What a refresh token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "kowr_";

/// A refresh token in clear: it exists in a response and in a request, never in the database.
pub(crate) struct RefreshToken(SecretString);

impl RefreshToken {
    /// A new token of 256 random bits.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(format!("{PREFIX}{}", hex(&bytes)).into())
    }

    /// `text`, if it looks like a token; whether it is one, the database knows.
    pub(crate) fn parse(text: &SecretString) -> Option<Self> {
        let digits = text.expose_secret().strip_prefix(PREFIX)?;
        let looks_right = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        looks_right.then(|| Self(text.clone()))
    }

    /// The token that this one is exchanged for. It follows from this one and the server's key, so that everybody who
    /// exchanges this one gets the same, on whatever host, and nothing has to be kept that could be stolen: who has the
    /// database has neither, who has an old token does not have the key.
    pub(crate) fn successor(&self, key: &TokenKey) -> Self {
        let bytes = key.derive("successor of a refresh token", self.0.expose_secret().as_bytes());
        Self(format!("{PREFIX}{}", hex(&bytes)).into())
    }

    /// The first token of `session`, which a request under an idempotency key has begun: it follows from that request, so that
    /// who repeats it gets the same, and nothing has to be kept for that either.
    pub(crate) fn first_of(session: SessionId, attempt: &Attempt, key: &TokenKey) -> Self {
        let seed = [attempt.seed(), session.to_string().as_bytes()].concat();
        Self(format!("{PREFIX}{}", hex(&key.derive("first refresh token of a session", &seed))).into())
    }

    /// What is kept of it. A fast hash is enough for 256 random bits: there is nothing to guess.
    pub(crate) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.expose_secret()))
    }

    pub(crate) fn into_secret(self) -> SecretString {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn a_token_reads_back_and_only_its_hash_is_kept() {
        let token = RefreshToken::new(&Sevens);
        let hash = token.hash();
        let text = token.into_secret();
        assert!(text.expose_secret().starts_with("kowr_0707"));
        assert_eq!(RefreshToken::parse(&text).unwrap().hash(), hash);
        assert!(!hash.contains("0707"));
    }

    #[test]
    fn a_successor_follows_from_the_token_and_the_key() {
        let (token, key) = (RefreshToken::new(&Sevens), TokenKey::new(&[1; 32]));
        let successor = token.successor(&key);
        assert_eq!(token.successor(&key).hash(), successor.hash());
        assert_ne!(token.successor(&TokenKey::new(&[2; 32])).hash(), successor.hash());
        assert_ne!(successor.successor(&key).hash(), successor.hash());
        assert!(RefreshToken::parse(&successor.into_secret()).is_some());
    }

    #[test]
    fn what_does_not_look_like_a_token_costs_no_query() {
        for hostile in ["", "kowr_", "kowr_' OR 1=1 --", &format!("kowr_{}", "A".repeat(64)), &"k".repeat(100_000)] {
            assert!(RefreshToken::parse(&SecretString::from(hostile)).is_none());
        }
    }
}
