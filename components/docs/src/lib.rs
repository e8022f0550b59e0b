//! `/` and `/docs`: what this deployment is, for a person who opens its address in a browser and for a program that asks.
//!
//! Its route in `spin.toml` matches every path, so that a path which no other component serves is a problem as everywhere else.

mod accept;
mod endpoints;
mod page;

#[cfg(test)]
mod tests;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use edge::{Anyone, App, Json, Routes};
use host::Host;
use serde::Serialize;

use crate::{accept::prefers_json, endpoints::Endpoint};

edge::component!(app);

/// The page needs its own style sheet and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The routes of this component, on `host`.
fn app(host: Host) -> App {
    Routes::new()
        .get("/", about)
        .get("/docs", about)
        .get("/docs/style.css", style)
        .without_database()
        .build(&host.clone(), host)
}

/// What this deployment is.
#[derive(Serialize)]
struct About {
    name: &'static str,
    version: &'static str,
    /// Where to ask whether it is ready.
    ready: &'static str,
    endpoints: Vec<Endpoint>,
}

async fn about(_: Anyone, headers: HeaderMap) -> Response {
    let varies = (header::VARY, HeaderValue::from_static("accept"));
    if prefers_json(&headers) {
        let endpoints = endpoints::all().collect();
        let about = About { name: "KowAI", version: env!("CARGO_PKG_VERSION"), ready: "/health/ready", endpoints };
        return ([varies], Json(about)).into_response();
    }
    let html = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    ([html, varies, (header::CONTENT_SECURITY_POLICY, POLICY)], page::html()).into_response()
}

async fn style(_: Anyone) -> Response {
    let css = (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    ([css, (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"))], page::STYLE).into_response()
}
