//! Access tokens: short-lived signed statements of who somebody is (RFC 7519, HS256).

use hmac_sha256::HMAC;
use ids::{SessionId, Timestamp, UserId, WorkspaceId};
use jwt_simple::{
    algorithms::{HS256Key, MACLike},
    claims::{Audiences, JWTClaims},
    common::VerificationOptions,
    prelude::{Duration as JwtDuration, UnixTimeStamp},
    token::Token,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{hex::hex, permission::Role};

/// How long an access token is good for.
pub const ACCESS_TOKEN_TTL: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// No token of ours is longer, in bytes; what is longer is not looked at.
const MAX_TOKEN_BYTES: usize = 2048;

const ISSUER: &str = "kowai";
const AUDIENCE: &str = "kowai-api";

/// What a valid access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Whose token it is.
    pub user: UserId,
    /// The workspace they work in.
    pub workspace: WorkspaceId,
    /// The sign-in that it came from; the token ends with it.
    pub session: SessionId,
    /// When it expires; whole seconds.
    pub expires_at: Timestamp,
}

impl AccessClaims {
    /// The claims, unless they have expired by `now`.
    pub fn unless_expired(self, now: Timestamp) -> Result<Self, InvalidToken> {
        if now < self.expires_at { Ok(self) } else { Err(InvalidToken::Expired) }
    }
}

/// Why a text is not a valid access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It was valid once.
    #[error("The access token has expired.")]
    Expired,
    /// Not a token, not one of ours, or tampered with. Which of these is nobody's business.
    #[error("The access token is not valid.")]
    Forged,
}

/// The claims besides those of the standard.
#[derive(Serialize, Deserialize)]
struct OwnClaims {
    ws: WorkspaceId,
    sid: SessionId,
    /// For clients to read. What a caller may do is decided by the roles in the database.
    #[serde(default)]
    roles: Vec<String>,
}

/// A key that signs and verifies access tokens, and from which other tokens are derived.
pub struct TokenKey {
    jwt: HS256Key,
    /// Names the key in the header of a token (RFC 7515, section 4.1.4), and tells nothing of it.
    id: String,
    derivation: [u8; 32],
}

impl TokenKey {
    /// A key made of `secret`, which should be at least 32 unpredictable bytes (RFC 7518, section 3.2).
    pub fn new(secret: &[u8]) -> Self {
        // One secret, three uses: none of the three tells anything of another (RFC 5869, section 3.2).
        let id = hex(&HMAC::mac(b"kowai: key id", secret)[..8]);
        let derivation = HMAC::mac(b"kowai: derived tokens", secret);
        Self { jwt: HS256Key::from_bytes(secret).with_key_id(&id), id, derivation }
    }

    /// What names the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// 32 bytes that nobody can tell who does not know the key: the same for the same `message` for the same `purpose`.
    pub(crate) fn derive(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        HMAC::mac([purpose.as_bytes(), b"\0", message].concat(), self.derivation)
    }

    /// A token that says `claims`; `None` where the claims cannot be written as JSON, which
    /// does not happen.
    pub fn sign(&self, claims: AccessClaims, roles: &[Role], now: Timestamp) -> Option<SecretString> {
        let claims = JWTClaims {
            issued_at: Some(seconds(now)),
            expires_at: Some(seconds(claims.expires_at)),
            invalid_before: None,
            issuer: Some(ISSUER.to_owned()),
            subject: Some(claims.user.to_string()),
            audiences: Some(Audiences::AsString(AUDIENCE.to_owned())),
            jwt_id: None,
            nonce: None,
            custom: OwnClaims {
                ws: claims.workspace,
                sid: claims.session,
                roles: roles.iter().map(Role::to_string).collect(),
            },
        };
        self.jwt.authenticate(claims).ok().map(SecretString::from)
    }

    /// What `token` says, if it is one of ours, whether it has [expired](AccessClaims::unless_expired) or not.
    ///
    /// The algorithm is the key's, whatever the token's header asks for (RFC 8725, section 3.1).
    pub fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        let options = VerificationOptions {
            // Expiry is the caller's to check, by our clock; our tokens carry no `nbf`.
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: Some(JwtDuration::from_secs(0)),
            max_token_length: Some(MAX_TOKEN_BYTES),
            ..VerificationOptions::default()
        };
        let claims = self.jwt.verify_token::<OwnClaims>(token, Some(options)).map_err(|_| InvalidToken::Forged)?;
        let for_us = matches!(&claims.audiences, Some(Audiences::AsString(audience)) if audience == AUDIENCE);
        if claims.issuer.as_deref() != Some(ISSUER) || !for_us {
            return Err(InvalidToken::Forged);
        }
        let user = claims.subject.as_deref().and_then(|subject| subject.parse().ok()).ok_or(InvalidToken::Forged)?;
        let seconds = claims.expires_at.ok_or(InvalidToken::Forged)?.as_secs();
        let expires_at = Timestamp::from_millis(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000));
        Ok(AccessClaims { user, workspace: claims.custom.ws, session: claims.custom.sid, expires_at })
    }
}

/// The keys of the deployment: one that signs, and those that signed before it or will after it.
pub(crate) struct Keys {
    signing: TokenKey,
    others: Vec<TokenKey>,
}

impl Keys {
    pub(crate) fn new(signing: TokenKey, others: Vec<TokenKey>) -> Self {
        Self { signing, others }
    }

    /// The one that signs.
    pub(crate) fn signing(&self) -> &TokenKey {
        &self.signing
    }

    /// All of them, the one that signs first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.signing).chain(&self.others)
    }

    /// What `token` says, if one of the keys signed it: the one that it names, or any where it names none, as tokens did
    /// before keys had names.
    pub(crate) fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::Forged);
        }
        let header = Token::decode_metadata(token).map_err(|_| InvalidToken::Forged)?;
        let named = |key: &&TokenKey| header.key_id().is_none_or(|id| id == key.id);
        let verified = self.all().filter(named).find_map(|key| key.verify(token).ok());
        verified.ok_or(InvalidToken::Forged)
    }
}

fn seconds(moment: Timestamp) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(moment.as_secs().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids::Id;
    use jwt_simple::algorithms::HS384Key;
    use secrecy::ExposeSecret;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
    const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

    fn claims() -> AccessClaims {
        AccessClaims {
            user: UserId::new(NOW, [1; 10]),
            workspace: WorkspaceId::new(NOW, [2; 10]),
            session: SessionId::new(NOW, [3; 10]),
            expires_at: NOW + Duration::from_secs(900),
        }
    }

    fn token(key: &TokenKey) -> String {
        let token = key.sign(claims(), &[Role::Member], NOW).unwrap();
        token.expose_secret().to_owned()
    }

    /// What a good token says, in JSON.
    fn good_claims() -> serde_json::Value {
        serde_json::json!({
            "iss": "kowai", "aud": "kowai-api", "exp": 1_764_000_900, "sub": claims().user.to_string(),
            "ws": claims().workspace.to_string(), "sid": claims().session.to_string(),
        })
    }

    /// A token of these claims, signed with our secret whatever they say.
    fn signed(custom: serde_json::Value) -> String {
        let claims = JWTClaims {
            issued_at: None,
            expires_at: None,
            invalid_before: None,
            issuer: None,
            subject: None,
            audiences: None,
            jwt_id: None,
            nonce: None,
            custom,
        };
        HS256Key::from_bytes(SECRET).authenticate(claims).unwrap()
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let key = TokenKey::new(SECRET);
        let token = token(&key);
        let at = |millis| key.verify(&token).and_then(|said| said.unless_expired(NOW + Duration::from_millis(millis)));
        assert_eq!(at(0), Ok(claims()));
        assert_eq!(at(899_999), Ok(claims()));
        assert_eq!(at(900_000), Err(InvalidToken::Expired));
    }

    #[test]
    fn a_token_is_verified_by_the_key_that_it_names() {
        let (old, new) = (b"the secret of last year, thirty-two b", b"the secret of this year, thirty-two b");
        let before = Keys::new(TokenKey::new(old), Vec::new());
        let after = Keys::new(TokenKey::new(new), vec![TokenKey::new(old)]);
        let forgotten = Keys::new(TokenKey::new(new), Vec::new());
        let of_old = token(before.signing());
        assert_eq!((before.verify(&of_old), after.verify(&of_old)), (Ok(claims()), Ok(claims())));
        assert_eq!(forgotten.verify(&of_old), Err(InvalidToken::Forged));
        assert_eq!(after.verify(&token(after.signing())), Ok(claims()));
        assert_eq!(before.verify(&token(after.signing())), Err(InvalidToken::Forged));
        let header = Token::decode_metadata(&of_old).unwrap();
        assert_eq!(header.key_id(), Some(before.signing().id()));
        assert!(!old.windows(8).any(|part| before.signing().id().as_bytes().windows(8).any(|other| other == part)));
    }

    #[test]
    fn a_token_from_before_keys_had_names_is_verified_by_all() {
        let (good, keys) = (good_claims(), Keys::new(TokenKey::new(&[7; 32]), vec![TokenKey::new(SECRET)]));
        assert_eq!(keys.verify(&signed(good)), Ok(claims()));
    }

    #[test]
    fn what_is_derived_differs_by_key_purpose_and_message() {
        let key = TokenKey::new(SECRET);
        let derived = key.derive("a", b"b");
        assert_eq!(key.derive("a", b"b"), derived);
        for other in [key.derive("a", b"c"), key.derive("b", b"b"), TokenKey::new(&[7; 32]).derive("a", b"b")] {
            assert_ne!(other, derived);
        }
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_forged() {
        let key = TokenKey::new(SECRET);
        let token = token(&key);
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.verify(&changed), Err(InvalidToken::Forged), "{position}");
        }
        for length in 0..token.len() {
            assert_eq!(key.verify(&token[..length]), Err(InvalidToken::Forged), "{length}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_is_forged() {
        let key = TokenKey::new(SECRET);
        let token = token(&key);
        assert_eq!(TokenKey::new(b"another secret of thirty-two bytes").verify(&token), Err(InvalidToken::Forged));
        let (_, rest) = token.split_once('.').unwrap();
        let (payload, signature) = rest.split_once('.').unwrap();
        // {"alg":"none"}, {"alg":"None","typ":"JWT"} and {"alg":"RS256","typ":"JWT"}
        for header in
            ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"]
        {
            for signature in ["", signature] {
                let forged = format!("{header}.{payload}.{signature}");
                assert_eq!(key.verify(&forged), Err(InvalidToken::Forged), "{forged}");
            }
        }
        let stronger = HS384Key::from_bytes(SECRET);
        let claims = jwt_simple::claims::Claims::create(JwtDuration::from_secs(900));
        assert_eq!(key.verify(&stronger.authenticate(claims).unwrap()), Err(InvalidToken::Forged));
    }

    #[test]
    fn a_token_that_we_signed_for_something_else_is_forged() {
        let key = TokenKey::new(SECRET);
        let good = good_claims();
        assert_eq!(key.verify(&signed(good.clone())), Ok(claims()));
        for (name, value) in [
            ("iss", serde_json::json!("somebody")),
            ("iss", serde_json::Value::Null),
            ("aud", serde_json::json!("webhooks")),
            ("exp", serde_json::Value::Null),
            ("exp", serde_json::json!("soon")),
            ("exp", serde_json::json!(-1)),
            ("sub", serde_json::json!("' OR 1=1")),
            ("ws", serde_json::json!(7)),
            ("sid", serde_json::Value::Null),
        ] {
            let mut other = good.clone();
            other[name] = value.clone();
            if value.is_null() {
                other.as_object_mut().unwrap().remove(name);
            }
            assert_eq!(key.verify(&signed(other)), Err(InvalidToken::Forged), "{name}: {value}");
        }
    }

    #[test]
    fn a_huge_token_is_not_even_decoded() {
        let token = format!("{}x", token(&TokenKey::new(SECRET))).replace('.', &".".repeat(3000));
        assert_eq!(TokenKey::new(SECRET).verify(&token), Err(InvalidToken::Forged));
    }
}
