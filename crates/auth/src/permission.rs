//! Roles hold permissions; a route asks for a permission, never for a role.

use std::{fmt, str::FromStr};

/// Defines an enum of names: the variant in code, the name in tokens, rows and answers.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$variant_doc])* $variant,)* }

        impl $type {
            /// All there are, in the order of their definition.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in tokens, rows and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|it| it.as_str() == name).ok_or(UnknownName)
            }
        }
    };
}

/// A name that no role or permission has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such name")]
pub struct UnknownName;

names! {
    /// Something that a caller may or may not do.
    Permission {
        /// Read conversations and their messages.
        ConversationsRead = "conversations:read",
        /// Begin, change and delete conversations, and post messages.
        ConversationsWrite = "conversations:write",
        /// Do so with the conversations of everybody in the workspace.
        ConversationsManage = "conversations:manage",
        /// Read agents and their versions.
        AgentsRead = "agents:read",
        /// Create and change agents.
        AgentsWrite = "agents:write",
        /// Let an agent work.
        AgentsRun = "agents:run",
        /// Read workflows, runs and schedules.
        WorkflowsRead = "workflows:read",
        /// Create and change workflows and schedules.
        WorkflowsWrite = "workflows:write",
        /// Start, pause, resume and cancel runs.
        WorkflowsRun = "workflows:run",
        /// Answer a run that waits for somebody's approval.
        WorkflowsApprove = "workflows:approve",
        /// Read the accounts of the workspace.
        UsersRead = "users:read",
        /// Change roles and status of the accounts of the workspace.
        UsersWrite = "users:write",
        /// Run the deployment: settings and figures of all workspaces.
        DeploymentAdmin = "deployment:admin",
    }
}

names! {
    /// A named set of permissions, held by an account.
    Role {
        /// Everything, in every workspace: whoever runs the deployment.
        Admin = "admin",
        /// Everything within one workspace.
        Owner = "owner",
        /// Chat, run agents and workflows.
        Member = "member",
        /// Read.
        Viewer = "viewer",
    }
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
        Permissions::of(&[role]).iter().map(Permission::as_str).collect()
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
            assert_eq!(permission.as_str().parse(), Ok(*permission));
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownName));
    }
}
