//! Access tokens: short-lived signed statements of who somebody is (RFC 7519, HS256).

use ids::{SessionId, Timestamp, UserId, WorkspaceId};
use jwt_simple::{
    algorithms::{HS256Key, MACLike},
    claims::{Audiences, JWTClaims},
    common::VerificationOptions,
    prelude::{Duration as JwtDuration, UnixTimeStamp},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::permission::Role;

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

/// The key that signs and verifies access tokens.
pub struct TokenKey(HS256Key);

impl TokenKey {
    /// A key made of `secret`, which should be at least 32 unpredictable bytes (RFC 7518, section 3.2).
    pub fn new(secret: &[u8]) -> Self {
        Self(HS256Key::from_bytes(secret))
    }

    /// A token that says `claims` and expires at `expires_at`; `None` where the claims cannot be written as JSON, which
    /// does not happen.
    pub fn sign(
        &self,
        claims: AccessClaims,
        roles: &[Role],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Option<SecretString> {
        let claims = JWTClaims {
            issued_at: Some(seconds(now)),
            expires_at: Some(seconds(expires_at)),
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
        self.0.authenticate(claims).ok().map(SecretString::from)
    }

    /// What `token` says, if it is one of ours and has not expired at `now`.
    ///
    /// The algorithm is the key's, whatever the token's header asks for (RFC 8725, section 3.1).
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, InvalidToken> {
        let options = VerificationOptions {
            // Expiry is checked below, by our clock and to the millisecond; our tokens carry no `nbf`.
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: Some(JwtDuration::from_secs(0)),
            max_token_length: Some(MAX_TOKEN_BYTES),
            ..VerificationOptions::default()
        };
        let claims = self.0.verify_token::<OwnClaims>(token, Some(options)).map_err(|_| InvalidToken::Forged)?;
        let for_us = matches!(&claims.audiences, Some(Audiences::AsString(audience)) if audience == AUDIENCE);
        if claims.issuer.as_deref() != Some(ISSUER) || !for_us {
            return Err(InvalidToken::Forged);
        }
        let user = claims.subject.as_deref().and_then(|subject| subject.parse().ok()).ok_or(InvalidToken::Forged)?;
        let expires_at = claims.expires_at.ok_or(InvalidToken::Forged)?.as_secs();
        if now.as_millis() >= i64::try_from(expires_at).unwrap_or(i64::MAX).saturating_mul(1000) {
            return Err(InvalidToken::Expired);
        }
        Ok(AccessClaims { user, workspace: claims.custom.ws, session: claims.custom.sid })
    }
}

fn seconds(moment: Timestamp) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(moment.as_secs().unsigned_abs())
}
