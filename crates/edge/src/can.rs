//! The abilities that a handler may ask of its caller: `Caller<can::WriteConversations>`.

use auth::Permission;

use crate::guard::{Ability, Needs};

/// One type for each permission that a route asks for, because a type is what a handler's signature is made of. The first route
/// that asks for another one adds its line.
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
    };
}

abilities! {
    ConversationsRead => ReadConversations,
    ConversationsWrite => WriteConversations,
    UsersRead => ReadUsers,
    UsersWrite => WriteUsers,
    DeploymentAdmin => AdministerDeployment,
}
