//! Is this deployment able to work? `/health/live`, `/health/ready` and `/health`.

mod checks;

#[cfg(test)]
mod tests;

use axum::{extract::State, http::StatusCode};
use edge::{Anyone, App, Json, Routes};
use host::Host;
use serde::Serialize;

use checks::Checks;

edge::component!(app);

/// The routes of this component, on `host`. They wait for no migration, because one of them tells of it.
fn app(host: Host) -> App {
    Routes::new()
        .get("/health/live", live)
        .get("/health/ready", ready)
        .get("/health", ready)
        .without_database()
        .quiet()
        .build(&host, host.clone())
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

/// Answers as long as components can run at all: who restarts what does not answer asks here.
async fn live(_: Anyone) -> Json<Live> {
    Json(Live { status: "live" })
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

/// Answers 200 if requests can be carried out and 503 if not, and names what failed: who routes requests asks here.
async fn ready(_: Anyone, State(host): State<Host>) -> (StatusCode, Json<Ready>) {
    let checks = Checks::run(&host).await;
    let (code, status) = match checks.is_passed() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Json(Ready { status, version: env!("CARGO_PKG_VERSION"), checks }))
}
