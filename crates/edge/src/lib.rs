//! The way into a capability over HTTP: what every request goes through, and what handlers are written with.
//!
//! A component names its routes, each with a handler whose first argument says who may call it:
//!
//! ```
//! use axum::extract::State;
//! use edge::{App, Caller, Json, Problem, Routes, can};
//! use host::Host;
//!
//! async fn read(caller: Caller<can::ReadConversations>, State(host): State<Host>) -> Result<Json<String>, Problem> {
//!     Ok(Json(format!("{} at {}", caller.name, host.now())))
//! }
//!
//! fn app(host: Host) -> App {
//!     Routes::new().get("/v1/greeting", read).build(&host.clone(), host)
//! }
//!
//! edge::component!(app);
//! ```
//!
//! A handler that does not say it does not compile:
//!
//! ```compile_fail
//! async fn open_to_whom() -> &'static str {
//!     "everybody?"
//! }
//!
//! edge::Routes::<()>::new().get("/v1/secrets", open_to_whom);
//! ```
//!
//! Nor does one of a POST that does not say what happens when it is sent twice:
//!
//! ```compile_fail
//! edge::Routes::<()>::new().post("/v1/orders", async |_: edge::Anyone, edge::Json(()): edge::Json<()>| "ordered");
//! ```
//!
//! ```
//! edge::Routes::<()>::new()
//!     .post("/v1/orders", async |_: edge::Anyone, order: edge::Keyed<String>| order.body)
//!     .post_repeatable("/v1/orders/cancel", async |_: edge::Anyone| "cancelled");
//! ```
//!
//! With `host` and `step` this is the only crate that names `spin_sdk`, in one file. It decides nothing that a capability
//! should decide.

mod access_log;
mod app;
mod body_limit;
pub mod can;
mod client;
mod conditional;
mod guard;
mod holding;
mod json;
mod keyed;
pub mod log;
mod page;
mod path;
mod problem;
mod problems;
mod query;
mod refusal;
mod route;
mod routes;
mod security_headers;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod spin;
pub mod sse;
mod status;
mod stdout;
mod trace;

#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use host::Host;

pub use crate::{
    app::App,
    client::Client,
    conditional::{IfMatch, Tagged},
    guard::{Ability, Anyone, Bearer, Caller, Component, Guard, Guarded, Needs, SignedIn},
    holding::holding,
    json::Json,
    keyed::{Keyed, TakesKey, replayed},
    page::{Cursor, Limit, Page, Paging},
    path::Path,
    problem::{MEDIA_TYPE, Problem, ProblemBody},
    query::Query,
    route::{Repeats, Route},
    routes::Routes,
    sse::LastEventId,
};

/// Makes a component of `fn app(host: Host) -> App`: Spin's requests go to the application that it builds, once for each
/// instance. On other targets it only checks that `app` is one.
#[macro_export]
macro_rules! component {
    ($app:ident) => {
        #[cfg(not(target_family = "wasm"))]
        const _: fn($crate::Host) -> $crate::App = $app;

        #[cfg(target_family = "wasm")]
        mod component {
            thread_local! {
                static APP: $crate::spin::Slot = const { $crate::spin::Slot::new() };
            }

            struct Component;

            $crate::spin::export!(Component);

            impl $crate::spin::Guest for Component {
                async fn handle(
                    request: $crate::spin::Request,
                ) -> Result<$crate::spin::Response, $crate::spin::ErrorCode> {
                    $crate::spin::serve(request, &APP, super::$app).await
                }
            }
        }
    };
}
