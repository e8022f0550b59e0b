//! The HTTP server: accepts connections, routes requests, and stops gracefully.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http::header::CONTENT_TYPE;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::headers;
use crate::host::{Host, empty, full};
use crate::manifest::{Application, StaticResponse};
use crate::route::{Router, Target};

/// How long a graceful stop waits for the requests in flight.
const DRAIN: Duration = Duration::from_secs(10);

/// Paths below this are the host's own.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// How many ports `--find-free-port` tries.
const PORTS_TO_TRY: u16 = 10;

/// The server of one application.
pub(crate) struct Server {
    pub(crate) host: Arc<Host>,
    pub(crate) router: Router,
    pub(crate) application: Application,
}

impl Server {
    /// Serves until `stop` is ready, then gives the requests in flight some time.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
        let address = listener.local_addr()?;
        self.host.local_addr.set(address).map_err(|_| anyhow!("the host is served already"))?;
        self.print_routes(address)?;

        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, client)) => self.clone().serve_connection(stream, client, &graceful),
                // Such as too many open files: no reason to end the server.
                Err(error) => eprintln!("cannot accept a connection: {error}"),
            }
        }
        drop(listener);
        if timeout(DRAIN, graceful.shutdown()).await.is_err() {
            eprintln!("Stopping with requests in flight.");
        }
        Ok(())
    }

    fn serve_connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr, graceful: &GracefulShutdown) {
        // Real Spin does not, which costs 40 ms on keep-alive connections (`docs/spin.md#nagle`).
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("cannot set TCP_NODELAY: {error}");
        }
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            let service = service_fn(move |request| {
                let server = self.clone();
                async move { server.handle(request, client).await }
            });
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // A client that goes away is its own business.
            let _ = watcher.watch(connection).await;
        });
    }

    /// Answers a request; an error closes the connection, as in Spin.
    async fn handle(&self, mut request: Request<Incoming>, client: SocketAddr) -> Result<Response<WasiBody>> {
        headers::strip(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return self.well_known(name);
        }
        let Some((target, found)) = self.router.find(&path) else { return Ok(empty(StatusCode::NOT_FOUND)) };
        headers::make_absolute(&mut request, Scheme::HTTP)?;
        match target {
            Target::Static(response) => static_response(response),
            Target::Component(id) => {
                let request = request.map(|body| body.map_err(Error::Hyper).boxed_unsync());
                let response = self.host.call(id, request, &found, client).await;
                response.with_context(|| format!("unknown component ID {id:?}"))
            }
        }
    }

    fn well_known(&self, name: &str) -> Result<Response<WasiBody>> {
        match name {
            "health" => Ok(full("OK")),
            "info" => {
                let info = serde_json::json!({ "name": self.application.name, "version": self.application.version });
                let mut response = full(serde_json::to_vec_pretty(&info)?);
                response.headers_mut().insert(CONTENT_TYPE, "application/json".parse()?);
                Ok(response)
            }
            _ => Ok(empty(StatusCode::NOT_FOUND)),
        }
    }

    fn print_routes(&self, address: SocketAddr) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nServing http://{address}\nAvailable Routes:")?;
        for (route, target) in self.router.routes() {
            let id = match target {
                Target::Component(id) => id,
                Target::Static(_) => "static response",
            };
            writeln!(out, "  {id}: http://{address}{route}")?;
        }
        Ok(out.flush()?)
    }
}

fn static_response(answer: &StaticResponse) -> Result<Response<WasiBody>> {
    let mut response = match &answer.body {
        Some(body) => full(body.clone()),
        None => empty(StatusCode::OK),
    };
    *response.status_mut() = StatusCode::from_u16(answer.status_code)?;
    for (name, value) in &answer.headers {
        response.headers_mut().append(http::HeaderName::try_from(name)?, value.parse()?);
    }
    Ok(response)
}

/// Listens on the address, or with `find_free_port` on the next port that is free.
pub(crate) async fn listen(mut address: SocketAddr, find_free_port: bool) -> Result<TcpListener> {
    let first = address.port();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse && find_free_port => {
                let next = address.port().checked_add(1).filter(|next| next - first < PORTS_TO_TRY);
                address.set_port(next.with_context(|| format!("no free port in {PORTS_TO_TRY} from {first} on"))?);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                bail!("{address} is already in use. To search for a free port, use the --find-free-port option.")
            }
            Err(error) => bail!("Unable to listen on {address}: {error}"),
        }
    }
}
