//! What goes over the wire.

use auth::{IssuedToken, Member, OutboxEntry, Principal, RegistrationRule, SignedIn, Status};
use ids::{NoticeId, SessionId, Timestamp, UserId, WorkspaceId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// The body of `POST /v1/auth/register`.
#[derive(Deserialize)]
pub(crate) struct Registration {
    pub(crate) email: String,
    pub(crate) password: SecretString,
    pub(crate) name: Option<String>,
    pub(crate) invitation: Option<SecretString>,
}

/// The answer of `GET /v1/auth/registration`.
#[derive(Serialize)]
pub(crate) struct RegistrationMode {
    registration: &'static str,
    because: &'static str,
}

impl From<RegistrationRule> for RegistrationMode {
    fn from(rule: RegistrationRule) -> Self {
        Self { registration: rule.registration.into(), because: rule.because }
    }
}

/// The answer to a registration that goes on with a letter.
#[derive(Serialize)]
pub(crate) struct Waiting {
    status: &'static str,
}

impl Waiting {
    pub(crate) fn for_verification() -> Self {
        Self { status: "verification_required" }
    }
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

/// The body of `POST /v1/auth/logout`, which may be left out.
#[derive(Deserialize)]
pub(crate) struct LogOut {
    pub(crate) refresh_token: Option<SecretString>,
}

/// The body of `POST /v1/auth/password-reset` and `POST /v1/auth/email-verification`.
#[derive(Deserialize)]
pub(crate) struct Address {
    pub(crate) email: String,
}

/// The body of `POST /v1/auth/password-reset/confirm`.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    pub(crate) token: SecretString,
    pub(crate) new_password: SecretString,
}

/// The body of `POST /v1/auth/email-verification/confirm`.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: SecretString,
}

/// The body of `POST /v1/me/password`.
#[derive(Deserialize)]
pub(crate) struct PasswordChange {
    pub(crate) current_password: SecretString,
    pub(crate) new_password: SecretString,
}

/// The body of `DELETE /v1/me`.
#[derive(Deserialize)]
pub(crate) struct Password {
    pub(crate) password: SecretString,
}

/// The body of `POST /v1/auth/invitations`.
#[derive(Deserialize)]
pub(crate) struct InvitationRequest {
    pub(crate) email: Option<String>,
    pub(crate) role: String,
}

/// The body of `PATCH /v1/users/{id}`.
#[derive(Deserialize)]
pub(crate) struct StatusChange {
    pub(crate) status: NewStatus,
}

/// The status that an account is to get.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NewStatus {
    Active,
    Disabled,
}

impl From<NewStatus> for Status {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Active => Self::Active,
            NewStatus::Disabled => Self::Disabled,
        }
    }
}

/// A token that is told once.
#[derive(Serialize)]
pub(crate) struct Issued {
    #[serde(serialize_with = "in_clear")]
    token: SecretString,
    expires_at: Timestamp,
}

impl From<IssuedToken> for Issued {
    fn from(issued: IssuedToken) -> Self {
        Self { token: issued.token, expires_at: issued.expires_at }
    }
}

/// An entry of `GET /v1/users`.
#[derive(Serialize)]
pub(crate) struct User {
    id: UserId,
    email: String,
    email_verified: bool,
    name: String,
    roles: Vec<&'static str>,
    status: &'static str,
    created_at: Timestamp,
}

impl From<Member> for User {
    fn from(member: Member) -> Self {
        Self {
            id: member.user,
            email: member.email,
            email_verified: member.email_verified,
            name: member.name,
            roles: member.roles.iter().map(Into::into).collect(),
            status: member.status.into(),
            created_at: member.created_at,
        }
    }
}

/// An entry of `GET /v1/auth/outbox`.
#[derive(Serialize)]
pub(crate) struct Letter {
    id: NoticeId,
    kind: &'static str,
    recipient: String,
    /// None where the letter brings none, or one that was used.
    #[serde(serialize_with = "in_clear_if_any")]
    token: Option<SecretString>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<OutboxEntry> for Letter {
    fn from(entry: OutboxEntry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind.into(),
            recipient: entry.recipient,
            token: entry.token,
            created_at: entry.created_at,
            expires_at: entry.expires_at,
        }
    }
}

/// The answer of `GET /v1/me/export`: what accounts keep of somebody, and where the rest is.
#[derive(Serialize)]
pub(crate) struct Export {
    account: Account,
    sessions: Vec<Session>,
    /// Lists of what else is theirs, page by page.
    links: Links,
}

#[derive(Serialize)]
struct Account {
    #[serde(flatten)]
    profile: Profile,
    created_at: Timestamp,
    email_verified_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Links {
    conversations: &'static str,
}

impl Export {
    pub(crate) fn new(export: auth::Export) -> Self {
        let current = export.principal.session;
        let account = Account {
            profile: Profile::of(&export.principal),
            created_at: export.opened_at,
            email_verified_at: export.email_verified_at,
        };
        let sessions = export.sessions.into_iter().map(|session| Session::new(session, current)).collect();
        Self { account, sessions, links: Links { conversations: "/v1/conversations" } }
    }
}

/// The answer to somebody who has signed in.
#[derive(Serialize)]
pub(crate) struct Tokens {
    #[serde(serialize_with = "in_clear")]
    access_token: SecretString,
    token_type: &'static str,
    expires_at: Timestamp,
    /// In seconds from now on (RFC 6749, section 5.1): for clients whose clock is wrong.
    expires_in: u64,
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
            expires_in: signed_in.expires_in_s,
            refresh_token: signed_in.refresh_token,
        }
    }
}

/// Tokens leave here, and nowhere else.
fn in_clear<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}

fn in_clear_if_any<S: Serializer>(token: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    token.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

/// Who somebody is: the answer of `GET /v1/me`.
#[derive(Serialize)]
pub(crate) struct Profile {
    id: UserId,
    email: String,
    email_verified: bool,
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
            email_verified: principal.email_verified,
            name: principal.name.clone(),
            workspace: Workspace { id: principal.workspace, name: principal.workspace_name.clone() },
            roles: principal.roles.iter().map(Into::into).collect(),
            permissions: principal.permissions.iter().map(Into::into).collect(),
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
