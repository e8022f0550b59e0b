//! The routes of a component. One cannot be added without its guard: that is the handler's first argument.

use std::{sync::Arc, time::Duration};

use auth::Authenticator;
use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use host::Host;
use tower::layer::layer_fn;

use crate::{
    app::App,
    body_limit::DEFAULT_BODY_LIMIT,
    guard::{Gate, Guarded, Guarding},
    keyed::TakesKey,
    problem::Problem,
    refusal::Refusal,
    route::{Repeats, Route},
};

/// How long a request is worked on where a component says nothing else.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(60);

/// The routes of a component whose handlers share the state `S`.
pub struct Routes<S> {
    routes: Vec<(Route, MethodRouter<S>)>,
    database: bool,
    body_limit: usize,
    time_limit: Duration,
    quiet: bool,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new() -> Self {
        Self {
            routes: Vec::new(),
            database: true,
            body_limit: DEFAULT_BODY_LIMIT,
            time_limit: DEFAULT_TIME_LIMIT,
            quiet: false,
        }
    }

    /// The handlers of this component do not use the database, so they are not held up by its migrations.
    #[must_use]
    pub fn without_database(mut self) -> Self {
        self.database = false;
        self
    }

    /// The largest request body, in bytes; 1 MiB unless said.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How long after its arrival nobody waits for the outcome of a request any more: the deadline of the [`host::Call`] that
    /// its handler gets, and so of all that is called on its behalf. 60 seconds unless said; a component has what is left of
    /// its caller's.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Requests are asked so often, and say so little, that the access log mentions them at level debug only.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// `GET path`, and `HEAD` with it.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: Guarded + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("GET", MethodFilter::GET, path, None, handler)
    }

    /// `POST path`, which happens once under an `Idempotency-Key`, however often it is sent: the handler's last argument is
    /// [`Keyed`](crate::Keyed).
    #[must_use]
    pub fn post<H: Handler<T, S>, T: Guarded + TakesKey + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("POST", MethodFilter::POST, path, Some(Repeats::Keyed), handler)
    }

    /// `POST path` without a key: to do it twice is to do it once, or whoever may call it sees to that.
    #[must_use]
    pub fn post_repeatable<H: Handler<T, S>, T: Guarded + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("POST", MethodFilter::POST, path, Some(Repeats::Harmless), handler)
    }

    /// `PUT path`.
    #[must_use]
    pub fn put<H: Handler<T, S>, T: Guarded + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("PUT", MethodFilter::PUT, path, None, handler)
    }

    /// `PATCH path`.
    #[must_use]
    pub fn patch<H: Handler<T, S>, T: Guarded + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("PATCH", MethodFilter::PATCH, path, None, handler)
    }

    /// `DELETE path`.
    #[must_use]
    pub fn delete<H: Handler<T, S>, T: Guarded + 'static>(self, path: &'static str, handler: H) -> Self {
        self.add("DELETE", MethodFilter::DELETE, path, None, handler)
    }

    fn add<H: Handler<T, S>, T: Guarded + 'static>(
        mut self,
        method: &'static str,
        filter: MethodFilter,
        path: &'static str,
        repeats: Option<Repeats>,
        handler: H,
    ) -> Self {
        self.routes.push((Route { method, path, needs: T::NEEDS, repeats }, on(filter, handler)));
        self
    }

    /// The application: these routes behind the stack, with an [`Authenticator`] of its own.
    pub fn build(self, host: &Host, state: S) -> App {
        let authenticator = Arc::new(Authenticator::new(host.clone()));
        self.build_with(host, authenticator, state)
    }

    /// As [`build`](Self::build), with an authenticator that the handlers know too.
    pub fn build_with(self, host: &Host, authenticator: Arc<Authenticator>, state: S) -> App {
        let mut router = Router::new();
        let mut listed = Vec::with_capacity(self.routes.len());
        for (route, handler) in self.routes {
            let gate = Arc::new(Gate {
                host: host.clone(),
                authenticator: authenticator.clone(),
                database: self.database,
                time_limit: self.time_limit,
                needs: route.needs,
            });
            let guarded = handler.route_layer(layer_fn(move |handler| Guarding { gate: gate.clone(), handler }));
            router = router.route(route.path, guarded);
            listed.push(route);
        }
        let router = router
            .method_not_allowed_fallback(async || Problem::refused(Refusal::MethodNotAllowed))
            .fallback(async || Problem::not_found())
            .with_state(state);
        App::new(host, router, listed, self.body_limit, self.quiet)
    }
}
