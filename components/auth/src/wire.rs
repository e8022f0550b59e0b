//! What goes over the wire.

use auth::{Principal, SignedIn};
use ids::{SessionId, Timestamp, UserId, WorkspaceId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// The body of `POST /v1/auth/register`.
#[derive(Deserialize)]
pub(crate) struct Registration {
    pub(crate) email: String,
    pub(crate) password: SecretString,
    pub(crate) name: Option<String>,
}

/// The body of `POST /v1/auth/login`.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password: SecretString,
}

/// The body of `POST /v1/auth/refresh`.
#[derive(Deserialize)]
pub(crate) struct Refresh {
    pub(crate) refresh_token: SecretString,
}

/// The answer to somebody who has signed in.
#[derive(Serialize)]
pub(crate) struct Tokens {
    #[serde(serialize_with = "in_clear")]
    access_token: SecretString,
    token_type: &'static str,
    expires_at: Timestamp,
    #[serde(serialize_with = "in_clear")]
    refresh_token: SecretString,
    user: Profile,
}

impl From<SignedIn> for Tokens {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: Profile::of(&signed_in.principal),
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_at: signed_in.expires_at,
            refresh_token: signed_in.refresh_token,
        }
    }
}

/// Tokens leave here, and nowhere else.
fn in_clear<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}

/// Who somebody is: the answer of `GET /v1/me`.
#[derive(Serialize)]
pub(crate) struct Profile {
    id: UserId,
    email: String,
    name: String,
    workspace: Workspace,
    roles: Vec<&'static str>,
    permissions: Vec<&'static str>,
}

#[derive(Serialize)]
struct Workspace {
    id: WorkspaceId,
    name: String,
}

impl Profile {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            id: principal.user,
            email: principal.email.clone(),
            name: principal.name.clone(),
            workspace: Workspace { id: principal.workspace, name: principal.workspace_name.clone() },
            roles: principal.roles.iter().map(|role| role.as_str()).collect(),
            permissions: principal.permissions.iter().map(|permission| permission.as_str()).collect(),
        }
    }
}

/// An entry of `GET /v1/auth/sessions`.
#[derive(Serialize)]
pub(crate) struct Session {
    id: SessionId,
    user_agent: Option<String>,
    address: Option<String>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    /// True for the session that asks.
    current: bool,
}

impl Session {
    pub(crate) fn new(session: auth::Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}
