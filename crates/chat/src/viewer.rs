//! Whose eyes a conversation is seen with.

use host::sql::Value;
use ids::{UserId, WorkspaceId};

/// Somebody who looks at conversations or changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The workspace they work in; nothing of another one is ever seen.
    pub workspace: WorkspaceId,
    /// Who they are.
    pub user: UserId,
    /// True where they may see and change the conversations of others in their workspace.
    pub manages_workspace: bool,
}

impl Viewer {
    /// The parameters of [`VISIBLE`](crate::conversation::repo::VISIBLE).
    pub(crate) fn params(&self) -> [Value; 3] {
        [self.workspace.into(), self.user.into(), self.manages_workspace.into()]
    }
}

impl From<&Viewer> for idempotency::Owner {
    fn from(viewer: &Viewer) -> Self {
        Self { workspace: viewer.workspace, user: viewer.user }
    }
}
