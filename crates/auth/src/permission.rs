//! Roles hold permissions; a route asks for a permission, never for a role.

use std::fmt;

/// Something that a caller may or may not do, by its name in tokens, rows and answers.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Permission {
    /// Read conversations and their messages.
    #[strum(serialize = "conversations:read")]
    ConversationsRead,
    /// Begin, change and delete conversations, and post messages.
    #[strum(serialize = "conversations:write")]
    ConversationsWrite,
    /// Do so with the conversations of everybody in the workspace.
    #[strum(serialize = "conversations:manage")]
    ConversationsManage,
    /// Read agents and their versions.
    #[strum(serialize = "agents:read")]
    AgentsRead,
    /// Create and change agents.
    #[strum(serialize = "agents:write")]
    AgentsWrite,
    /// Let an agent work.
    #[strum(serialize = "agents:run")]
    AgentsRun,
    /// Read workflows, runs and schedules.
    #[strum(serialize = "workflows:read")]
    WorkflowsRead,
    /// Create and change workflows and schedules.
    #[strum(serialize = "workflows:write")]
    WorkflowsWrite,
    /// Start, pause, resume and cancel runs.
    #[strum(serialize = "workflows:run")]
    WorkflowsRun,
    /// Answer a run that waits for somebody's approval.
    #[strum(serialize = "workflows:approve")]
    WorkflowsApprove,
    /// Read the accounts of the workspace.
    #[strum(serialize = "users:read")]
    UsersRead,
    /// Change roles and status of the accounts of the workspace.
    #[strum(serialize = "users:write")]
    UsersWrite,
    /// Run the deployment: settings and figures of all workspaces.
    #[strum(serialize = "deployment:admin")]
    DeploymentAdmin,
}

impl Permission {
    /// All there are, in the order of their definition.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

/// A named set of permissions, held by an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Everything, in every workspace: whoever runs the deployment.
    Admin,
    /// Everything within one workspace.
    Owner,
    /// Chat, run agents and workflows.
    Member,
    /// Read.
    Viewer,
}

impl Role {
    /// True where this role includes `permission`. This table is the whole of who may do what.
    const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Admin => true,
            Self::Owner => !matches!(permission, P::DeploymentAdmin),
            Self::Member => matches!(
                permission,
                P::ConversationsRead
                    | P::ConversationsWrite
                    | P::AgentsRead
                    | P::AgentsRun
                    | P::WorkflowsRead
                    | P::WorkflowsRun
            ),
            Self::Viewer => matches!(permission, P::ConversationsRead | P::AgentsRead | P::WorkflowsRead),
        }
    }
}

/// What somebody may do: a set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// The permissions that any of `roles` includes.
    pub fn of(roles: &[Role]) -> Self {
        let held = |permission: Permission| roles.iter().any(|role| role.may(permission));
        Permission::ALL.iter().filter(|permission| held(**permission)).copied().collect()
    }

    /// True where the set holds `permission`.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// True where `other` holds all that this set holds.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The permissions of the set, in the order of their definition.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    const fn bit(permission: Permission) -> u32 {
        1 << permission as u32
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | Self::bit(permission)))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(role: Role) -> Vec<&'static str> {
        Permissions::of(&[role]).iter().map(Into::into).collect()
    }

    #[test]
    fn a_viewer_only_reads() {
        assert_eq!(held(Role::Viewer), ["conversations:read", "agents:read", "workflows:read"]);
    }

    #[test]
    fn an_owner_may_everything_but_run_the_deployment() {
        let mut all = held(Role::Admin);
        assert_eq!(all.len(), Permission::ALL.len());
        all.retain(|permission| *permission != "deployment:admin");
        assert_eq!(held(Role::Owner), all);
    }

    #[test]
    fn two_roles_hold_what_either_holds() {
        let both = Permissions::of(&[Role::Viewer, Role::Member]);
        assert_eq!(both, Permissions::of(&[Role::Member]));
        assert!(!both.contains(Permission::UsersWrite));
        assert!(both.is_within(Permissions::of(&[Role::Owner])) && both.is_within(both));
        assert!(!Permissions::of(&[Role::Admin]).is_within(Permissions::of(&[Role::Owner])));
        assert_eq!(Permissions::of(&[]).iter().count(), 0);
    }

    #[test]
    fn names_read_back_and_others_do_not() {
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(*permission));
        }
        assert!("Admin".parse::<Role>().is_err());
    }
}
