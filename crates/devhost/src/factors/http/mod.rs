//! Outbound `wasi:http`: what a component may call, calls to other components of the application, and the network.

mod body;
mod client;
mod connect;
mod tls;

use std::future::pending;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use crate::allow::CHAINING_SUFFIX;
use crate::instance::Surroundings;
use body::BetweenBytes;

pub(crate) use client::Clients;

/// What Spin uses when the component sets no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The host that means the application itself, for SDKs that need one.
const SELF: &str = "self.alt";

static FORBIDDEN: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(|name: &HeaderName| DEFAULT_FORBIDDEN_HEADERS.contains(name)));

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

/// The outbound side of an instance.
pub(crate) struct Outbound(pub(crate) Arc<Surroundings>);

impl WasiHttpHooks for Outbound {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        FORBIDDEN.clone()
    }

    fn send_request(&mut self, request: Request<WasiBody>, options: Option<RequestOptions>, _result: Io) -> Sent {
        let around = self.0.clone();
        Box::new(async move {
            let options = options.unwrap_or_default();
            let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
            let response = send(&around, request, options).await?;
            let response = response.map(|body| BetweenBytes::new(body, between_bytes).boxed_unsync());
            // What goes wrong with the connection later arrives through the body.
            Ok((response, Box::new(async { Ok(()) }) as Io))
        })
    }
}

/// The inbound side of an instance.
pub(crate) struct Incoming;

impl WasiHttpHooks for Incoming {
    fn is_forbidden_header(&mut self, _: &HeaderName) -> bool {
        false
    }

    fn send_request(&mut self, _: Request<WasiBody>, _: Option<RequestOptions>, _: Io) -> Sent {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

async fn send(
    around: &Arc<Surroundings>,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    around.host.faults.delay().await;
    permit(around, &mut request)?;
    request.headers_mut().remove(header::HOST);

    let host = request.uri().host().unwrap_or_default();
    if let Some(component) = host.strip_suffix(CHAINING_SUFFIX) {
        let component = component.to_owned();
        return match around.host.chain(&component, request).await {
            Some(response) => Ok(response),
            // Spin traps the caller (`docs/spin.md#service-chaining`).
            None => {
                around.kill.pull(format!("unknown component ID {component:?}"));
                pending().await
            }
        };
    }
    around.host.clients.send(&around.component.id, request, options).await
}

/// Checks `allowed_outbound_hosts`, and points a request to the application itself at its listener.
fn permit(around: &Surroundings, request: &mut Request<WasiBody>) -> Result<(), Error> {
    // wasmtime gives relative URLs a scheme and an empty host.
    let is_self = request.uri().host().is_none_or(|host| host.is_empty() || host == SELF);
    let allowed = &around.component.allowed_hosts;
    if !is_self {
        return match allowed.allows(&request.uri().to_string(), "https") {
            true => Ok(()),
            false => Err(denied(around, request.uri())),
        };
    }
    if !allowed.allows_self() {
        return Err(denied(around, request.uri()));
    }
    let address = around.host.local_addr.get().ok_or(Error::HttpRequestUriInvalid)?;
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(address.to_string()).path_and_query(path);
    *request.uri_mut() = uri.build().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(())
}

fn denied(around: &Surroundings, uri: &Uri) -> Error {
    eprintln!(
        "A component tried to make an outbound request to disallowed host '{}'.\n\
         To allow it, add it to `allowed_outbound_hosts` of component `{}`.",
        uri.authority().map_or("self", |authority| authority.as_str()),
        around.component.id
    );
    Error::HttpRequestDenied
}
