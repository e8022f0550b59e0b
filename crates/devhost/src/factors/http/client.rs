//! The clients that all components share, and their pools of connections.

use std::error::Error as _;
use std::sync::Arc;

use anyhow::Result;
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::DEFAULT_TIMEOUT;
use super::connect::{CONNECT, Connect, PlainConnector, TlsConnector};
use super::tls;
use crate::runtime_config::{ClientTls, RuntimeConfig};

/// HTTP/1.1 without TLS, and HTTP/1.1 or HTTP/2 with TLS.
pub(crate) struct Clients {
    plain: Client<PlainConnector, WasiBody>,
    tls: Client<TlsConnector, WasiBody>,
    default_tls: Arc<ClientConfig>,
    configured_tls: Vec<(ClientTls, Arc<ClientConfig>)>,
}

impl Clients {
    /// Clients with the pooling and the TLS of the runtime configuration.
    pub(crate) fn new(runtime: &RuntimeConfig) -> Result<Self> {
        let pooling = runtime.outbound_http.as_ref().is_none_or(|http| http.connection_pooling);
        let mut builder = Client::builder(TokioExecutor::new());
        if !pooling {
            builder.pool_max_idle_per_host(0);
        }
        let configured = |config: &ClientTls| Ok((config.clone(), tls::configured(config)?));
        Ok(Self {
            plain: builder.build(PlainConnector),
            tls: builder.build(TlsConnector),
            default_tls: tls::default()?,
            configured_tls: runtime.client_tls.iter().map(configured).collect::<Result<_>>()?,
        })
    }

    /// Sends a request with an absolute URI over the network.
    pub(super) async fn send(
        &self,
        component: &str,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let use_tls = request.uri().scheme() == Some(&Scheme::HTTPS);
        let connect = Connect {
            timeout: options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT),
            tls: self.tls_for(component, request.uri().host().unwrap_or_default()),
        };
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sent = if use_tls { self.tls.request(request) } else { self.plain.request(request) };
        let response = timeout(first_byte, CONNECT.scope(connect, sent)).await;
        let response = response.map_err(|_| Error::ConnectionReadTimeout)?.map_err(error_code)?;
        Ok(response.map(|body| body.map_err(Error::Hyper).boxed_unsync()))
    }

    fn tls_for(&self, component: &str, host: &str) -> Arc<ClientConfig> {
        let is_for = |tls: &ClientTls| {
            tls.component_ids.iter().any(|id| id == component) && tls.hosts.iter().any(|name| name == host)
        };
        let configured = self.configured_tls.iter().find(|(tls, _)| is_for(tls));
        configured.map_or(&self.default_tls, |(_, config)| config).clone()
    }
}

/// Finds the code of a failure: the connector's own, or `HTTP-protocol-error`.
fn error_code(error: legacy::Error) -> Error {
    match error.source().and_then(|source| source.downcast_ref::<super::connect::Failure>()) {
        Some(failure) => failure.code(),
        None => {
            eprintln!("outbound HTTP request failed: {:#}", anyhow::Error::new(error));
            Error::HttpProtocolError
        }
    }
}
