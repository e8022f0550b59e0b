//! The running application: its components' handlers, and what their instances share.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyHandler;

use crate::factors::{http::Clients, key_value::Stores, sqlite::Databases};
use crate::faults::Faults;
use crate::headers;
use crate::instance::{Instances, Reuse};
use crate::route::Match;
use crate::strict::Strict;

/// The client address of a request that comes from another component, as in Spin.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What all instances of all components share.
pub(crate) struct Host {
    pub(crate) reuse: Reuse,
    pub(crate) faults: Faults,
    pub(crate) strict: Strict,
    pub(crate) stores: Stores,
    pub(crate) databases: Databases,
    pub(crate) clients: Clients,
    /// Where the server listens, once it does.
    pub(crate) local_addr: OnceLock<SocketAddr>,
    handlers: OnceLock<HashMap<String, ProxyHandler<Instances>>>,
}

impl Host {
    pub(crate) fn new(
        reuse: Reuse,
        faults: Faults,
        strict: Strict,
        stores: Stores,
        databases: Databases,
        clients: Clients,
    ) -> Self {
        let (local_addr, handlers) = (OnceLock::new(), OnceLock::new());
        Self { reuse, faults, strict, stores, databases, clients, local_addr, handlers }
    }

    /// Sets the handlers of the components that have a trigger, once.
    pub(crate) fn start(&self, instances: impl IntoIterator<Item = Instances>) {
        let handlers = instances.into_iter().map(|i| (i.component.id.clone(), ProxyHandler::new(i))).collect();
        // Called once, by the server's start.
        let _ = self.handlers.set(handlers);
    }

    /// Has a component answer a request with an absolute URI; `None` when there is no such component with a trigger.
    ///
    /// A component that fails, by a trap or by returning an error, answers with an empty 500 (`docs/spin.md#a-trap`).
    pub(crate) async fn call(
        &self,
        component: &str,
        mut request: Request<WasiBody>,
        found: &Match<'_>,
        client: SocketAddr,
    ) -> Option<Response<WasiBody>> {
        let handler = self.handlers.get()?.get(component)?;
        if let Err(error) = headers::append_spin_headers(&mut request, found, client) {
            eprintln!("Error processing request: {error:#}");
            return Some(empty(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Some(match handler.handle((), request).await {
            Ok(response) => response,
            Err(error) => {
                eprintln!("Error processing request: {error:?}");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        })
    }

    /// A call from one component to another, in process (`docs/spin.md#service-chaining`).
    pub(crate) async fn chain(
        self: &Arc<Self>,
        component: &str,
        mut request: Request<WasiBody>,
    ) -> Option<Response<WasiBody>> {
        headers::make_absolute(&mut request, Scheme::HTTP).ok()?;
        let path = request.uri().path().to_owned();
        // The callee's future contains its own chained calls; boxing keeps it finite.
        Box::pin(self.call(component, request, &Match::chained(&path), CHAINED_CLIENT)).await
    }
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A response with a body.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Response<WasiBody> {
    Response::new(Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync())
}
