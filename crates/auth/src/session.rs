//! A sign-in and what came of it: one family of refresh tokens, on one device.

use std::net::IpAddr;

use ids::{SessionId, Timestamp, UserId, WorkspaceId};

/// What is known of the device that somebody signs in with. It is shown to the account's holder, and decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What it calls itself; at most 200 bytes.
    pub user_agent: Option<String>,
    /// Where it was seen.
    pub address: Option<IpAddr>,
}

/// A session that begins.
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    pub(crate) device: Device,
    /// Of its first refresh token.
    pub(crate) token_hash: String,
    pub(crate) expires_at: Timestamp,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// What the device called itself when it signed in.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When its refresh token was last exchanged.
    pub last_used_at: Timestamp,
    /// When it ends unless its refresh token is exchanged before.
    pub expires_at: Timestamp,
}
