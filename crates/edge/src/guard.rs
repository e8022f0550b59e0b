//! Who may call a route: said by the first argument of its handler, checked before anything else of the handler runs.

use std::{convert::Infallible, fmt, marker::PhantomData, ops::Deref, sync::Arc, task};

use auth::{Authenticator, Permission, Principal};
use axum::{
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use host::Host;
use http::{HeaderMap, HeaderName, header, request::Parts};
use ids::WorkspaceId;
use tower::Service;

use crate::{problem::Problem, refusal::Refusal};

/// The workspace that a component works for when it calls another.
pub const X_KOWAI_WORKSPACE: HeaderName = HeaderName::from_static("x-kowai-workspace");

/// What a route asks of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// That they are signed in.
    SignIn,
    /// That they are signed in and hold a permission.
    Permission(Permission),
    /// That they are a component of this application: the route is private in `spin.toml`.
    Component,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("public"),
            Self::SignIn => f.write_str("signed in"),
            Self::Permission(permission) => permission.fmt(f),
            Self::Component => f.write_str("private"),
        }
    }
}

/// An extractor that says who may call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who may call this route",
    label = "the first argument of a handler is its guard",
    note = "begin the handler's arguments with `Anyone`, `Caller`, `Caller<can::...>` or `Component`"
)]
pub trait Guard {
    /// What it asks of callers.
    const NEEDS: Needs;
}

/// The arguments of a handler, the first of which is a [`Guard`]. Implemented for what axum makes of handler functions.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    note = "begin the handler's arguments with `Anyone`, `Caller`, `Caller<can::...>` or `Component`"
)]
pub trait Guarded {
    /// What the first argument asks of callers.
    const NEEDS: Needs;
}

/// Implements [`Guarded`] for handlers of so many arguments; axum puts a marker in front of them.
macro_rules! guarded {
    ($($argument:ident)*) => {
        impl<Marker, First: Guard, $($argument,)*> Guarded for (Marker, First, $($argument,)*) {
            const NEEDS: Needs = First::NEEDS;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A B);
guarded!(A B C);
guarded!(A B C D);
guarded!(A B C D E);
guarded!(A B C D E F);
guarded!(A B C D E F G);

/// A route that everybody may call, signed in or not.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

impl Guard for Anyone {
    const NEEDS: Needs = Needs::Nothing;
}

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// What a [`Caller`] must be able to do; implemented by the types in [`can`](crate::can).
pub trait Ability: Send + Sync + 'static {
    /// What a route asks of callers that must have this ability.
    const NEEDS: Needs;
}

/// Being signed in is enough.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;

impl Ability for SignedIn {
    const NEEDS: Needs = Needs::SignIn;
}

/// Somebody who is signed in and has the ability `A`: `Caller<can::WriteConversations>`.
pub struct Caller<A = SignedIn> {
    principal: Arc<Principal>,
    ability: PhantomData<fn() -> A>,
}

impl<A> Deref for Caller<A> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<A: Ability> Guard for Caller<A> {
    const NEEDS: Needs = A::NEEDS;
}

impl<A: Ability, S: Sync> FromRequestParts<S> for Caller<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let admitted = parts.extensions.get::<Admitted>().filter(|admitted| admitted.needs == A::NEEDS);
        admitted
            .map(|admitted| Self { principal: admitted.principal.clone(), ability: PhantomData })
            .ok_or_else(|| Problem::internal("a handler asks for a caller that its guard did not check"))
    }
}

/// Another component of this application, working for a workspace. `spin.toml` keeps the route private: nobody outside
/// can reach it (`docs/spin.md#service-chaining`), so what the request says is believed.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// The workspace on whose behalf it calls.
    pub workspace: WorkspaceId,
}

impl Guard for Component {
    const NEEDS: Needs = Needs::Component;
}

impl<S: Sync> FromRequestParts<S> for Component {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let workspace = parts.headers.get(X_KOWAI_WORKSPACE).and_then(|value| value.to_str().ok()?.parse().ok());
        workspace.map(|workspace| Self { workspace }).ok_or_else(|| Problem::refused(Refusal::WorkspaceMissing))
    }
}

/// What the guard leaves for [`Caller`].
#[derive(Clone)]
struct Admitted {
    principal: Arc<Principal>,
    needs: Needs,
}

/// What guards need to do their work.
pub(crate) struct Gate {
    pub(crate) host: Host,
    pub(crate) authenticator: Arc<Authenticator>,
    /// True where handlers use the database, so that its schema must be there before they run.
    pub(crate) database: bool,
    pub(crate) needs: Needs,
}

impl Gate {
    async fn admit(&self, request: &mut Request) -> Result<(), Problem> {
        if matches!(self.needs, Needs::SignIn | Needs::Permission(_)) {
            let principal = self.authenticator.authenticate(bearer(request.headers())?).await?;
            tracing::Span::current().record("user_id", tracing::field::display(principal.user));
            if let Needs::Permission(permission) = self.needs
                && !principal.permissions.contains(permission)
            {
                let detail = format!("This needs the permission {permission}, which you do not hold.");
                return Err(Problem::because(Refusal::Forbidden, detail));
            }
            request.extensions_mut().insert(Admitted { principal, needs: self.needs });
        }
        if self.database {
            host::ready(&self.host).await?;
        }
        Ok(())
    }
}

/// A handler behind its gate.
#[derive(Clone)]
pub(crate) struct Guarding<S> {
    pub(crate) gate: Arc<Gate>,
    pub(crate) handler: S,
}

impl<S> Service<Request> for Guarding<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        self.handler.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let gate = self.gate.clone();
        // The handler that is ready is the one to be called; its clone takes its place (as tower asks of services).
        let clone = self.handler.clone();
        let mut handler = std::mem::replace(&mut self.handler, clone);
        Box::pin(async move {
            match gate.admit(&mut request).await {
                Ok(()) => handler.call(request).await.map(IntoResponse::into_response),
                Err(problem) => Ok(problem.into_response()),
            }
        })
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let refused = |detail| Problem::because(Refusal::Unauthenticated, detail);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| Problem::refused(Refusal::Unauthenticated))?;
    if values.next().is_some() {
        return Err(refused("There is more than one `Authorization` header."));
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused("The `Authorization` header is not `Bearer <access token>`."));
    }
    Ok(token.trim_start_matches(' '))
}
