//! A component's routes behind the stack that every request goes through.

use std::{convert::Infallible, sync::Arc, task};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use host::Host;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};

use crate::{access_log, body_limit, conditional, problems, routes::Route, security_headers};

/// What a component serves. Made once for each instance; cloning it is cheap.
#[derive(Clone)]
pub struct App {
    stack: BoxCloneSyncService<Request, Response, Infallible>,
    routes: Arc<[Route]>,
}

impl App {
    /// `router` behind the stack. From here on the order is that of a request on its way in; the guard of a route, being
    /// the route's own, comes last.
    pub(crate) fn new(host: &Host, router: Router, routes: Vec<Route>, body_limit: usize, quiet: bool) -> Self {
        let log = access_log::AccessLog { random: host.random.clone(), quiet };
        let stack = ServiceBuilder::new()
            .layer(from_fn_with_state(log, access_log::access_log))
            .layer(from_fn(security_headers::security_headers))
            .layer(from_fn(problems::problems))
            .layer(from_fn(conditional::conditional))
            .layer(from_fn_with_state(body_limit::Limit(body_limit), body_limit::body_limit))
            .service(router);
        Self { stack: BoxCloneSyncService::new(stack), routes: routes.into() }
    }

    /// Answers `request`. Whatever goes wrong is an answer too.
    pub async fn handle<B>(&self, request: http::Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self.stack.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// The routes and their guards, in the order in which they were added.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

impl<B> Service<http::Request<B>> for App
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(self.stack.clone().oneshot(request.map(Body::new)))
    }
}
