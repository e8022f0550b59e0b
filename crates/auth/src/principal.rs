//! Who sends a request, as far as anybody needs to know.

use ids::{SessionId, UserId, WorkspaceId};

use crate::permission::{Permissions, Role};

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Their account.
    pub user: UserId,
    /// The address they sign in with.
    pub email: String,
    /// True where they have proved that it is theirs.
    pub email_verified: bool,
    /// What they want to be called.
    pub name: String,
    /// The workspace they work in.
    pub workspace: WorkspaceId,
    /// What the workspace is called.
    pub workspace_name: String,
    /// The sign-in that the request belongs to.
    pub session: SessionId,
    /// The roles of the account.
    pub roles: Vec<Role>,
    /// What those roles allow.
    pub permissions: Permissions,
}
