//! Opening connections, with the error codes that Spin gives.

use std::fmt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tower_service::Service;
use wasmtime_wasi_http::Error;

tokio::task_local! {
    /// How to connect for the request that is being sent; hyper's client has no other way to say it.
    pub(super) static CONNECT: Connect;
}

/// How to connect.
#[derive(Clone)]
pub(super) struct Connect {
    pub(super) timeout: Duration,
    pub(super) tls: Arc<ClientConfig>,
}

/// Why a connection could not be opened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    NoAuthority,
    Name,
    Timeout,
    Refused,
    ServerName,
    Tls,
}

impl Failure {
    pub(super) fn code(self) -> Error {
        let dns = |rcode: &str| Error::DnsError { rcode: Some(rcode.to_owned()), info_code: Some(0) };
        match self {
            Self::NoAuthority => Error::HttpRequestUriInvalid,
            Self::Name => dns("address not available"),
            Self::Timeout => Error::ConnectionTimeout,
            Self::Refused => Error::ConnectionRefused,
            Self::ServerName => dns("invalid dns name"),
            Self::Tls => Error::TlsProtocolError,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)
    }
}

impl std::error::Error for Failure {}

async fn tcp(uri: &Uri, connect: &Connect, default_port: u16) -> Result<TcpStream, Failure> {
    let authority = uri.authority().ok_or(Failure::NoAuthority)?;
    // An IPv6 host is in brackets here, as `lookup_host` wants it.
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(default_port));
    let addresses: Vec<_> = lookup_host(address).await.map_err(|_| Failure::Name)?.collect();
    let stream = timeout(connect.timeout, TcpStream::connect(&*addresses)).await.map_err(|_| Failure::Timeout)?;
    let stream = stream.map_err(|error| match error.kind() {
        ErrorKind::AddrNotAvailable => Failure::Name,
        _ => Failure::Refused,
    })?;
    // Spin does not, and stalls for 40 ms here and there (`docs/spin.md#nagle`); nobody can depend on that.
    stream.set_nodelay(true).map_err(|_| Failure::Refused)?;
    Ok(stream)
}

type Connecting<S> = Pin<Box<dyn Future<Output = Result<TokioIo<S>, Failure>> + Send>>;

/// Connects without TLS.
#[derive(Clone)]
pub(super) struct PlainConnector;

impl Service<Uri> for PlainConnector {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Connecting<TcpStream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connect = CONNECT.get();
        Box::pin(async move { Ok(TokioIo::new(tcp(&uri, &connect, 80).await?)) })
    }
}

/// Connects with TLS, and lets the server choose between HTTP/1.1 and HTTP/2.
#[derive(Clone)]
pub(super) struct TlsConnector;

impl Service<Uri> for TlsConnector {
    type Response = TokioIo<Tls>;
    type Error = Failure;
    type Future = Connecting<Tls>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connect = CONNECT.get();
        Box::pin(async move {
            let stream = tcp(&uri, &connect, 443).await?;
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host).map_err(|_| Failure::ServerName)?;
            let connector = tokio_rustls::TlsConnector::from(connect.tls);
            let stream = connector.connect(name, stream).await.map_err(|error| {
                eprintln!("outbound TLS connection failed: {error}");
                Failure::Tls
            })?;
            Ok(TokioIo::new(Tls(stream)))
        })
    }
}

/// A TLS connection that knows whether it speaks HTTP/2.
pub(super) struct Tls(TlsStream<TcpStream>);

impl Connection for Tls {
    fn connected(&self) -> Connected {
        let (tcp, tls) = self.0.get_ref();
        match tls.alpn_protocol() {
            Some(b"h2") => tcp.connected().negotiated_h2(),
            _ => tcp.connected(),
        }
    }
}

impl AsyncRead for Tls {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
