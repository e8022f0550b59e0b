//! A component's routes behind the stack that every request goes through.

use std::{convert::Infallible, sync::Arc, task};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    response::Response,
};
use futures::future::{BoxFuture, FutureExt};
use host::{Clock, Host, Random};
use tower::{BoxError, Service};
use tracing::Instrument;

use crate::{access_log::Arrival, body_limit, conditional, problems, route::Route, security_headers};

/// What a component serves. Made once for each instance; cloning it is cheap.
#[derive(Clone)]
pub struct App {
    stack: Arc<Stack>,
    routes: Arc<[Route]>,
}

impl App {
    pub(crate) fn new(host: &Host, router: Router, routes: Vec<Route>, body_limit: usize, quiet: bool) -> Self {
        let (clock, random) = (host.clock.clone(), host.random.clone());
        let stack = Stack { router, clock, random, body_limit, quiet };
        Self { stack: Arc::new(stack), routes: routes.into() }
    }

    /// Answers `request`. Whatever goes wrong is an answer too.
    pub async fn handle<B>(&self, request: http::Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.stack.pass(request.map(Body::new)).await
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
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let stack = self.stack.clone();
        async move { Ok(stack.pass(request.map(Body::new)).await) }.boxed()
    }
}

/// What every request goes through, written out. As so many tower layers it would clone and box itself once for each
/// layer of each request, which in WebAssembly costs as much as the request.
struct Stack {
    router: Router,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// In bytes.
    body_limit: usize,
    quiet: bool,
}

impl Stack {
    /// Names the request, lets it through, and says in the log what became of it.
    async fn pass(&self, mut request: Request) -> Response {
        let arrival = Arrival::of(&mut request, &*self.random);
        let mut response = self.go_in(request, &arrival).instrument(arrival.span().clone()).await;
        arrival.finish(&mut response, self.quiet);
        response
    }

    /// The steps in the order of a request on its way in, and back on its way out. The guard of a route, being the route's
    /// own, comes last.
    async fn go_in(&self, request: Request, arrival: &Arrival) -> Response {
        let came_by_tls = security_headers::came_by_tls(request.headers());
        let known = conditional::known(&request);
        let request = body_limit::limit(&self.clock, request, self.body_limit);
        let mut response = match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        conditional::omit_unchanged(&mut response, known);
        let mut response = problems::write_out(response, arrival.trace());
        security_headers::add(response.headers_mut(), came_by_tls);
        response
    }
}
