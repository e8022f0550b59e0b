//! Where Spin's world ends: its requests come in here, and nothing behind this file knows of it.

use std::thread::LocalKey;

use host::Host;
use http::{HeaderValue, header};
use spin_sdk::{
    http::{FromRequest, IntoResponse},
    wasip3::http::types,
};

pub use spin_sdk::wasip3::{
    exports::http::handler::Guest,
    http::service::export,
    http::types::{ErrorCode, Request, Response},
};

use crate::{App, Problem, log, trace::CorrelationId};

/// Where an instance keeps its application from the first request on.
pub type Slot = std::cell::OnceCell<App>;

/// Answers a request with the application in `slot`, which `build` makes for the first one.
pub async fn serve(
    request: types::Request,
    slot: &'static LocalKey<Slot>,
    build: fn(Host) -> App,
) -> Result<types::Response, ErrorCode> {
    let request = spin_sdk::http::Request::from_request(request)?;
    let app = match slot.with(|slot| slot.get().cloned()) {
        Some(app) => app,
        None => match start(build).await {
            // Of two requests that find the slot empty at the same time the first one to be ready fills it.
            Ok(app) => slot.with(|slot| slot.get_or_init(|| app).clone()),
            Err(problem) => return cannot_start(&problem),
        },
    };
    app.handle(request).await.into_response()
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
    response.into_response()
}
