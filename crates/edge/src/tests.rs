//! The stack as a client sees it: an application of small handlers, asked over HTTP.

mod bodies;
mod guards;
mod headers;
mod hostile;
mod keys;
mod logs;
mod pages;
mod stack;
mod streams;

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::Response,
};
use fault::{Facts, Fault, Kind};
use futures::StreamExt;
use host::{Call, Host, fake::Fakes};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use ids::ConversationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Anyone, App, Caller, Client, Component, IfMatch, Json, Keyed, LastEventId, Page, Paging, Path, Problem, Query,
    Routes, Tagged, can, replayed, sse,
};

/// A body with a bit of everything.
#[derive(Deserialize, Serialize)]
struct Cat {
    name: String,
    age: u8,
    nick_names: Option<Vec<String>>,
    owner: Option<Owner>,
}

#[derive(Deserialize, Serialize)]
struct Owner {
    name: String,
}

/// A failure of a capability, of any kind.
#[derive(Debug, thiserror::Error)]
#[error("the cat is away")]
struct Away {
    kind: Kind,
    source: std::fmt::Error,
}

impl Fault for Away {
    fn facts(&self) -> Facts {
        // A code that has its page, as every code must.
        Facts { retry_after_ms: Some(1001), ..Facts::new(self.kind, "database_unavailable") }
    }
}

/// A call, but for its names: they are random where the client gives none.
fn shown(call: &Call) -> String {
    let user = call.user.map(|user| user.to_string()).unwrap_or_default();
    format!("{} {user} {} until {}", call.workspace, call.correlation_id, call.deadline)
}

fn routes() -> Routes<Host> {
    async fn fail(kind: Kind) -> Result<(), Problem> {
        Err(Away { kind, source: std::fmt::Error })?
    }
    Routes::new()
        .get("/hello", async |_: Anyone| "hello")
        .get("/trace", async |anyone: Anyone, State(host): State<Host>| {
            anyone.call(host.new_id(), None).traceparent.to_string()
        })
        .get("/client", async |_: Anyone, client: Client| format!("{client:?}"))
        .get("/me", async |caller: Caller| caller.name.clone())
        .post_repeatable("/conversations", async |_: Caller<can::WriteConversations>| StatusCode::NO_CONTENT)
        .post("/orders", async |_: Anyone, order: Keyed<Cat>| {
            let key = order.attempt.map_or("no key".to_owned(), |attempt| format!("{attempt:?}"));
            replayed(format!("{}: {key}", order.body.name))
        })
        .get("/internal", async |component: Component| shown(&component.call))
        .get("/call", async |caller: Caller| shown(caller.call()))
        .post_repeatable("/cats", async |_: Anyone, Json(cat): Json<Cat>| Json(cat))
        .get("/cats", async |_: Anyone, Query(paging): Query<Paging<i64>>| {
            let from = paging.after().map_or(0, |last| last + 1);
            Json(Page::of((from..60.min(from + paging.limit.and_one())).collect(), paging.limit, |cat| *cat))
        })
        .get("/cats/{id}", async |_: Anyone, Path(id): Path<ConversationId>| id.to_string())
        .get("/tagged", async |_: Anyone| Tagged::new(7, Json("seven")))
        .put("/tagged", async |_: Anyone, condition: IfMatch| condition.check(7).map(|()| "written"))
        .get("/away", async |_: Anyone| fail(Kind::Unavailable).await)
        .get("/broken", async |_: Anyone| fail(Kind::Internal).await)
        .get("/axum/{number}", async |_: Anyone, axum::extract::Path(number): axum::extract::Path<u8>| {
            number.to_string()
        })
        .post_repeatable("/axum", async |_: Anyone, axum::Json(cat): axum::Json<Cat>| cat.name)
        .get("/openai", async |_: Anyone| (StatusCode::BAD_REQUEST, axum::Json("an envelope of its own")))
        .get("/events", async |_: Anyone, State(host): State<Host>, LastEventId(last): LastEventId| {
            let first = sse::event(last.map_or(1, |last| last.saturating_add(1)), "greeting", "\"hello\"");
            let rest = host.clock.clone();
            let late = futures::stream::once(async move {
                rest.sleep(Duration::from_secs(40)).await;
                Bytes::from_static(b"late\n\n")
            });
            sse::stream(host.clock.clone(), futures::stream::iter([first]).chain(late))
        })
}

fn app(fakes: &Fakes) -> App {
    routes().without_database().build(&fakes.host, fakes.host.clone())
}

fn app_without_database() -> App {
    let fakes = Fakes::without_database();
    fakes.variables.set("auth_secret", "a secret of more than thirty-two bytes");
    app(&fakes)
}

/// A response that has arrived.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// What `errors` points to.
    fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(app: &App, request: http::request::Builder, body: impl Into<Body>) -> Answer {
    Answer::of(app.handle(request.body(body.into()).unwrap()).await).await
}

async fn get(app: &App, path: &str) -> Answer {
    ask(app, Request::get(path), Body::empty()).await
}
