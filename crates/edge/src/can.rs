//! The abilities that a handler may ask of its caller: `Caller<can::WriteConversations>`.

use auth::Permission;

use crate::guard::{Ability, Needs};

/// One type for each permission, because a type is what a handler's signature is made of.
macro_rules! abilities {
    ($($permission:ident => $name:ident,)*) => {
        $(
            #[doc = concat!("The ability that [`Permission::", stringify!($permission), "`] gives.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Ability for $name {
                const NEEDS: Needs = Needs::Permission(Permission::$permission);
            }
        )*

        #[cfg(test)]
        const ALL: &[Needs] = &[$(<$name as Ability>::NEEDS,)*];
    };
}

abilities! {
    ConversationsRead => ReadConversations,
    ConversationsWrite => WriteConversations,
    ConversationsManage => ManageConversations,
    AgentsRead => ReadAgents,
    AgentsWrite => WriteAgents,
    AgentsRun => RunAgents,
    WorkflowsRead => ReadWorkflows,
    WorkflowsWrite => WriteWorkflows,
    WorkflowsRun => RunWorkflows,
    WorkflowsApprove => ApproveWorkflows,
    UsersRead => ReadUsers,
    UsersWrite => WriteUsers,
    DeploymentAdmin => AdministerDeployment,
}

#[test]
fn every_permission_has_its_ability() {
    assert_eq!(ALL, Permission::ALL.iter().map(|permission| Needs::Permission(*permission)).collect::<Vec<_>>());
}
