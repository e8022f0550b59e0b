//! Who may call a route: said by the first argument of its handler, checked before anything else of the handler runs.

use std::{convert::Infallible, fmt, marker::PhantomData, ops::Deref, sync::Arc, task, time::Duration};

use auth::{Authenticator, Permission, Principal};
use axum::{
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use host::{Call, Host, chaining};
use http::{HeaderMap, header, request::Parts};
use ids::{UserId, WorkspaceId};
use tower::Service;

use crate::{problem::Problem, refusal::Refusal, trace::Trace};

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
#[derive(Clone)]
pub struct Anyone {
    gate: Arc<Gate>,
    trace: Trace,
}

impl Anyone {
    /// The call that this request makes on behalf of `workspace`, where it is found out in the handler who that is.
    pub fn call(&self, workspace: WorkspaceId, user: Option<UserId>) -> Call {
        self.gate.call(self.trace.clone(), workspace, user)
    }
}

impl Guard for Anyone {
    const NEEDS: Needs = Needs::Nothing;
}

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(|| Problem::internal("a handler for anyone was reached around its guard"))
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
    call: Call,
    ability: PhantomData<fn() -> A>,
}

impl<A> Caller<A> {
    /// What this request does on their behalf, under which names, and until when.
    pub fn call(&self) -> &Call {
        &self.call
    }
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
        let admitted = parts.extensions.remove::<Admitted>().filter(|admitted| admitted.needs == A::NEEDS);
        admitted
            .map(|Admitted { principal, call, .. }| Self { principal, call, ability: PhantomData })
            .ok_or_else(|| Problem::internal("a handler asks for a caller that its guard did not check"))
    }
}

/// The token of the `Authorization` header, where there is one, whatever it is worth: for routes that everybody may call.
#[derive(Clone, Debug)]
pub struct Bearer(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.headers.contains_key(header::AUTHORIZATION) {
            true => bearer(&parts.headers).map(|token| Self(Some(token.to_owned()))),
            false => Ok(Self(None)),
        }
    }
}

/// Another component of this application, working for a workspace. `spin.toml` keeps the route private, so that nobody outside
/// can reach it; and what only components may say is not believed of anybody else, should it be public by mistake.
#[derive(Clone, Debug)]
pub struct Component {
    /// On whose behalf it calls, and until when.
    pub call: Call,
}

impl Guard for Component {
    const NEEDS: Needs = Needs::Component;
}

impl<S: Sync> FromRequestParts<S> for Component {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let component = parts.extensions.remove();
        component.ok_or_else(|| Problem::internal("a handler for components was reached around its guard"))
    }
}

/// What the guard leaves for [`Caller`].
#[derive(Clone)]
struct Admitted {
    principal: Arc<Principal>,
    call: Call,
    needs: Needs,
}

/// What guards need to do their work.
pub(crate) struct Gate {
    pub(crate) host: Host,
    pub(crate) authenticator: Arc<Authenticator>,
    /// True where handlers use the database, so that its schema must be there before they run.
    pub(crate) database: bool,
    /// How long a request from outside may be worked on.
    pub(crate) time_limit: Duration,
    pub(crate) needs: Needs,
}

impl Gate {
    /// Leaves in `request` what its handler's first argument is made of.
    async fn admit(self: Arc<Self>, request: &mut Request) -> Result<(), Problem> {
        let trace = request.extensions_mut().remove::<Trace>();
        let trace = trace.ok_or_else(|| Problem::internal("the request did not pass the stack"))?;
        match self.needs {
            Needs::Nothing => {
                request.extensions_mut().insert(Anyone { gate: self.clone(), trace });
            }
            Needs::SignIn | Needs::Permission(_) => {
                let principal = self.signed_in(request.headers()).await?;
                let call = self.call(trace, principal.workspace, Some(principal.user));
                request.extensions_mut().insert(Admitted { principal, call, needs: self.needs });
            }
            Needs::Component => {
                let incomplete = |error: chaining::IncompleteCall| {
                    Problem::because(Refusal::CallIncomplete, format!("{} {error}", Refusal::CallIncomplete.detail()))
                };
                let call = chaining::read(request.headers(), self.host.now()).map_err(incomplete)?;
                // What is called from here is called from our own span.
                request.extensions_mut().insert(Component { call: Call { traceparent: trace.traceparent, ..call } });
            }
        }
        if self.database {
            host::ready(&self.host).await?;
        }
        Ok(())
    }

    async fn signed_in(&self, headers: &HeaderMap) -> Result<Arc<Principal>, Problem> {
        let principal = self.authenticator.authenticate(bearer(headers)?).await?;
        tracing::Span::current().record("user_id", tracing::field::display(principal.user));
        match self.needs {
            Needs::Permission(permission) if !principal.permissions.contains(permission) => {
                let detail = format!("This needs the permission {permission}, which you do not hold.");
                Err(Problem::because(Refusal::Forbidden, detail))
            }
            _ => Ok(principal),
        }
    }

    fn call(&self, trace: Trace, workspace: WorkspaceId, user: Option<UserId>) -> Call {
        let Trace { correlation_id, traceparent } = trace;
        Call { workspace, user, correlation_id, traceparent, deadline: self.host.now() + self.time_limit }
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
