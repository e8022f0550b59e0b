//! Where Spin's world ends: its requests come in here, and nothing behind this file knows of it.

use std::thread::LocalKey;

use axum::body::{Body, Bytes};
use host::{
    Host, content_length,
    spin::{Sending, body, handle, spawn},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ids::CorrelationId;
use spin_sdk::wasip3::http::types::{self, Fields};

pub use spin_sdk::wasip3::{
    exports::http::handler::Guest,
    http::service::export,
    http::types::{ErrorCode, Request, Response},
};

use crate::{App, Problem, log};

/// Where an instance keeps its application from the first request on.
pub type Slot = std::cell::OnceCell<App>;

/// Answers a request with the application in `slot`, which `build` makes for the first one.
pub async fn serve(
    request: types::Request,
    slot: &'static LocalKey<Slot>,
    build: fn(Host) -> App,
) -> Result<types::Response, ErrorCode> {
    handle(answer(request, slot, build)).await
}

async fn answer(
    request: types::Request,
    slot: &'static LocalKey<Slot>,
    build: fn(Host) -> App,
) -> Result<types::Response, ErrorCode> {
    let request = incoming(request)?;
    let app = match slot.with(|slot| slot.get().cloned()) {
        Some(app) => app,
        None => match start(build).await {
            // Of two requests that find the slot empty at the same time the first one to be ready fills it.
            Ok(app) => slot.with(|slot| slot.get_or_init(|| app).clone()),
            Err(problem) => return cannot_start(&problem),
        },
    };
    outgoing(app.handle(request).await)
}

async fn start(build: fn(Host) -> App) -> Result<App, Problem> {
    let host = Host::spin().await.map_err(host::ReadyError::from)?;
    let level = host.variables.get("log_level").await.unwrap_or_default();
    log::install(level.as_deref());
    Ok(build(host))
}

/// The answer of an instance that has no application, and so no stack either.
fn cannot_start(problem: &Problem) -> Result<types::Response, ErrorCode> {
    log::install(None);
    problem.log();
    let mut response = problem.render(&CorrelationId::none());
    if let Some(length) = http_body::Body::size_hint(response.body()).exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    outgoing(response)
}

/// What Spin tells of a request and somebody here wants to know. It comes after whatever the client says under the same names
/// (`docs/spin.md#headers-of-spin`), so the last value counts.
const TOLD: [&str; 2] = ["spin-client-addr", "spin-full-url"];

/// The request as everybody else knows one. The SDK's own conversion asks for more than anybody here reads, and every question
/// is a passage to the host.
fn incoming(request: types::Request) -> Result<http::Request<Body>, ErrorCode> {
    let told = request.get_headers().copy_all();
    let mut headers = HeaderMap::try_with_capacity(told.len()).map_err(internal)?;
    for (name, value) in told {
        let is_spins = name.starts_with("spin-");
        if is_spins && !TOLD.contains(&name.as_str()) {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(internal)?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(internal)?;
        // The infallible ones panic where there are more than a map holds.
        let kept = match is_spins {
            true => headers.try_insert(name, value).map(drop),
            false => headers.try_append(name, value).map(drop),
        };
        kept.map_err(|_| ErrorCode::HttpRequestHeaderSectionSize(None))?;
    }
    let method = http::Method::try_from(request.get_method()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
    let path = request.get_path_with_query().unwrap_or_else(|| "/".to_owned());
    // What a GET or HEAD carries has no meaning (RFC 9110, section 9.3.1).
    let body = match method {
        http::Method::GET | http::Method::HEAD => Body::empty(),
        _ => match content_length(&headers) {
            Some(0) => Body::empty(),
            length => Body::from_stream(body(request, length)),
        },
    };
    let mut request = http::Request::builder().method(method).uri(path).body(body);
    if let Ok(request) = &mut request {
        *request.headers_mut() = headers;
    }
    request.map_err(|_| ErrorCode::HttpRequestUriInvalid)
}

/// The response as Spin knows one. Its body goes out after this has returned.
fn outgoing(response: axum::response::Response) -> Result<types::Response, ErrorCode> {
    let (head, body) = response.into_parts();
    let header = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
    let headers: Vec<_> = head.headers.iter().map(header).collect();
    let headers = Fields::from_list(&headers).map_err(internal)?;
    let (sending, contents, ending) = Sending::new();
    let (response, _sent) = types::Response::new(headers, Some(contents), ending);
    if head.status != http::StatusCode::OK {
        response.set_status_code(head.status.as_u16()).map_err(|()| internal("the status is none"))?;
    }
    spawn(sending.send(body.into_data_stream()));
    Ok(response)
}

fn internal(error: impl ToString) -> ErrorCode {
    ErrorCode::InternalError(Some(error.to_string()))
}
