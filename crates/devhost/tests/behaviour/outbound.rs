//! Requests into the network: as they stream, behind TLS, and where they may go.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use futures::TryStreamExt;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Authority;
use crate::support::Devhost;

#[tokio::test]
async fn a_body_from_outside_is_passed_on_as_it_comes() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (arrived, first_has_arrived) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await?;
        first_has_arrived.await?;
        stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await?;
        anyhow::Ok(())
    });
    let devhost = Devhost::start(&["--variable", &format!("fake={url}")])?;
    let forwarded = devhost.client().post(devhost.url("/probe/forward")).body(url).send().await?;
    let mut chunks = forwarded.bytes_stream();
    assert_eq!(chunks.try_next().await?.unwrap(), "first");
    // Only now is there a second chunk: a host that waits for the whole body would wait for ever.
    arrived.send(()).unwrap();
    assert_eq!(chunks.try_collect::<Vec<_>>().await?.concat(), b"second");
    server.await?
}

#[tokio::test]
async fn a_grant_ends_at_its_scheme_its_host_and_its_port() -> Result<()> {
    let devhost = Devhost::start(&["--variable", "fake=http://127.0.0.1:1"])?;
    assert_eq!(devhost.ask("fetch", "http://127.0.0.1:1/").await?["error"], "ErrorCode::ConnectionRefused");
    for url in ["https://127.0.0.1:1/", "http://localhost:1/", "http://127.0.0.1:2/", "http://127.0.0.1/"] {
        assert_eq!(devhost.ask("fetch", url).await?["error"], "ErrorCode::HttpRequestDenied", "{url}");
    }
    devhost.says("add it to `allowed_outbound_hosts` of component `probe`").await
}

/// A server behind TLS, known to `authority`, that answers with the version of HTTP that is spoken. With `clients_of` it
/// wants to see a certificate of that authority.
async fn tls_server(authority: &Authority, clients_of: Option<&Authority>) -> Result<String> {
    let (certificate, key) = authority.issue("server")?;
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let config = match clients_of {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(authority.root())?)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build()?;
            config.with_client_cert_verifier(verifier)
        }
        None => config.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_file(certificate)?];
    let mut config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let version = |request: Request<Incoming>| async move {
                    Ok::<_, Infallible>(Response::new(format!("{:?}", request.version())))
                };
                // A client that does not trust us ends the handshake.
                if let Ok(stream) = acceptor.accept(stream).await {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(version)).await;
                }
            });
        }
    });
    Ok(url)
}

/// What the probe gets from `url` on a devhost with this `[[client_tls]]`, whose paths are relative to `folder`.
async fn fetch_with(folder: &Path, client_tls: &str, url: &str, environment: &[(&str, &Path)]) -> Result<Value> {
    let config = folder.join("runtime-config.toml");
    std::fs::write(&config, client_tls)?;
    let (fake, config) = (format!("fake={url}"), config.display().to_string());
    let arguments = ["--variable", &fake, "--runtime-config-file", &config];
    Devhost::start_with(tempfile::tempdir()?, &arguments, environment)?.ask("fetch", url).await
}

/// A `[[client_tls]]` for the probe and 127.0.0.1.
fn client_tls(lines: &str) -> String {
    format!("[[client_tls]]\ncomponent_ids = [\"probe\"]\nhosts = [\"127.0.0.1\"]\n{lines}\n")
}

#[tokio::test]
async fn a_server_behind_tls_is_reached_with_http2_where_its_root_is_trusted() -> Result<()> {
    let authority = Authority::new()?;
    let url = tls_server(&authority, None).await?;
    let answer = json!({ "status": 200, "body": "HTTP/2.0" });
    let trusted = client_tls("ca_roots_file = \"root.pem\"");
    assert_eq!(fetch_with(authority.folder(), &trusted, &url, &[]).await?, answer);
    // The system's roots are trusted without a word, until others take their place.
    let system: &[(&str, &Path)] = &[("SSL_CERT_FILE", &authority.root())];
    assert_eq!(fetch_with(authority.folder(), "", &url, system).await?, answer);
    let other = Authority::new()?;
    let replaced = fetch_with(other.folder(), &trusted, &url, system).await?;
    assert_eq!(replaced["error"], "ErrorCode::TlsProtocolError");
    Ok(())
}

#[tokio::test]
async fn a_server_whose_root_is_not_trusted_is_refused() -> Result<()> {
    let authority = Authority::new()?;
    let url = tls_server(&authority, None).await?;
    let trusted = client_tls("ca_roots_file = \"root.pem\"");
    for config in ["", &trusted.replace("probe", "greeting"), &trusted.replace("127.0.0.1", "localhost")] {
        let refused = fetch_with(authority.folder(), config, &url, &[]).await?;
        assert_eq!(refused["error"], "ErrorCode::TlsProtocolError", "{config}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_may_ask_who_is_calling() -> Result<()> {
    let authority = Authority::new()?;
    let url = tls_server(&authority, Some(&authority)).await?;
    authority.issue("client")?;
    let anonymous = "ca_roots_file = \"root.pem\"";
    let named = format!("{anonymous}\nclient_cert_file = \"client.pem\"\nclient_private_key_file = \"client.key\"");
    let refused = fetch_with(authority.folder(), &client_tls(anonymous), &url, &[]).await?;
    assert!(refused["error"].is_string(), "{refused}");
    let answer = fetch_with(authority.folder(), &client_tls(&named), &url, &[]).await?;
    assert_eq!(answer, json!({ "status": 200, "body": "HTTP/2.0" }));
    Ok(())
}
