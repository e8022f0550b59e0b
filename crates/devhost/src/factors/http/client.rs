//! The clients that all components share, and their pools of connections.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::DEFAULT_TIMEOUT;
use super::connect::{CONNECT, Connect, PlainConnector, TlsConnector};
use crate::runtime_config::{ClientTls, RuntimeConfig};

/// HTTP/1.1 without TLS, and HTTP/1.1 or HTTP/2 with TLS.
pub(crate) struct Clients {
    plain: Client<PlainConnector, WasiBody>,
    tls: Client<TlsConnector, WasiBody>,
    default_roots: Arc<ClientConfig>,
    roots: Vec<(ClientTls, Arc<ClientConfig>)>,
}

impl Clients {
    /// Clients with the runtime configuration's pooling and roots; the system's roots are the default.
    pub(crate) fn new(runtime: &RuntimeConfig) -> Result<Self> {
        let pooling = runtime.outbound_http.as_ref().is_none_or(|http| http.connection_pooling);
        let mut builder = Client::builder(TokioExecutor::new());
        if !pooling {
            builder.pool_max_idle_per_host(0);
        }
        let with_roots = |tls: &ClientTls| {
            let config = tls_config(tls.ca_use_platform_roots, tls.ca_roots_file.as_deref())?;
            Ok((tls.clone(), config))
        };
        Ok(Self {
            plain: builder.build(PlainConnector),
            tls: builder.build(TlsConnector),
            default_roots: tls_config(true, None)?,
            roots: runtime.client_tls.iter().map(with_roots).collect::<Result<_>>()?,
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
            tls: self.roots_for(component, request.uri().host().unwrap_or_default()),
        };
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sent = if use_tls { self.tls.request(request) } else { self.plain.request(request) };
        let response = timeout(first_byte, CONNECT.scope(connect, sent)).await;
        let response = response.map_err(|_| Error::ConnectionReadTimeout)?.map_err(error_code)?;
        Ok(response.map(|body| body.map_err(Error::Hyper).boxed_unsync()))
    }

    fn roots_for(&self, component: &str, host: &str) -> Arc<ClientConfig> {
        let is_for = |tls: &ClientTls| {
            tls.component_ids.iter().any(|id| id == component) && tls.hosts.iter().any(|name| name == host)
        };
        self.roots.iter().find(|(tls, _)| is_for(tls)).map_or(&self.default_roots, |(_, config)| config).clone()
    }
}

fn tls_config(system: bool, file: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    if system {
        // As in Spin a certificate that cannot be read is not trusted, and the others are.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(file) = file {
        let unreadable = || format!("cannot read certificates from {}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
            roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
        }
    }
    // Said, because a default exists only as long as no other crate brings a second provider.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
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
