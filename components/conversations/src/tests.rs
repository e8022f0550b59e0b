use std::cell::Cell;

use auth::{Role, testing::sign_in};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use futures::executor::block_on;
use host::fake::{Fakes, TestDatabase, sqlite_database};
use http_body_util::BodyExt;
use ids::Timestamp;
use insta::{assert_json_snapshot, assert_snapshot};
use llm::{Gateway, to_sse};
use serde_json::{Value, json};

use super::*;

const SCRIPT: &str = r#"{"rules":[{"contains":"busy","status":429,"retry_after_ms":1500},
    {"contains":"cut","answer":"one two three","cut_after_tokens":2},{"contains":"","answer":"You said: {message}"}]}"#;

/// The component with a database, the scripted model, and somebody who is signed in.
struct Door {
    app: App,
    fakes: Fakes,
    owner: String,
    _database: TestDatabase,
}

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} is JSON: {}", self.status, self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Door {
    async fn open() -> Self {
        let database = sqlite_database().await;
        let fakes = Fakes::new(database.sql.clone());
        fakes.variables.set("llm_script", SCRIPT);
        let gateway = Gateway::from_settings(&fakes.host).await.unwrap();
        // Nothing in this script takes time, so that no answer of it waits.
        let clock = fakes.clock.clone();
        fakes.http.answer(move |request| Ok(block_on(answer_of(&gateway, request, clock.now()))));
        let owner = sign_in(&fakes.host, Role::Owner).await.authorization;
        Self { app: app(fakes.host.clone()), fakes, owner, _database: database }
    }

    async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let is_handled = Cell::new(false);
        let handling = async {
            let response = self.app.handle(request.body(body.into()).unwrap()).await;
            is_handled.set(true);
            response
        };
        // An answer in one piece waits for the task that writes it.
        let working = async {
            while !is_handled.get() {
                self.fakes.tasks.run().await;
                tokio::task::yield_now().await;
            }
        };
        let (response, ()) = futures::join!(handling, working);
        self.fakes.tasks.run().await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("authorization", &self.owner), Body::empty()).await
    }

    async fn with_body(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", &self.owner);
        self.send(request.header("content-type", "application/json"), body.to_string()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.with_body("POST", path, &body).await
    }

    /// The path of a new conversation.
    async fn conversation(&self) -> String {
        self.post("/v1/conversations", json!({"title": "Trip"})).await.header("location").to_owned()
    }
}

async fn answer_of(
    gateway: &Gateway,
    request: &axum::http::Request<Bytes>,
    now: Timestamp,
) -> axum::http::Response<host::ByteStream> {
    // As Spin does it on the way.
    let mut headers = request.headers().clone();
    headers.insert("spin-client-addr", header::HeaderValue::from_static("0.0.0.0:0"));
    let call = host::chaining::read(&headers, now).expect("a component says on whose behalf it calls");
    let response = |status: u16, body: String| {
        let body = futures::stream::iter([Ok(Bytes::from(body))]).boxed();
        axum::http::Response::builder().status(status).body(body).unwrap()
    };
    if request.uri().path() == "/v1/models" {
        return response(200, serde_json::to_string(&gateway.models()).unwrap());
    }
    let body: llm::wire::ChatRequest = serde_json::from_slice(request.body()).unwrap();
    let refuse = |error: llm::ModelError| response(503, serde_json::to_string(&error.to_wire()).unwrap());
    if body.wants_stream() {
        match gateway.stream(body, &call).await {
            Ok(chunks) => axum::http::Response::new(to_sse(chunks).map(Ok).boxed()),
            Err(error) => refuse(error),
        }
    } else {
        match gateway.complete(body, &call).await {
            Ok(completion) => response(200, serde_json::to_string(&completion).unwrap()),
            Err(error) => refuse(error),
        }
    }
}

/// A snapshot of JSON in which what changes from run to run does not count.
macro_rules! assert_stable {
    ($value:expr) => {
        assert_json_snapshot!($value, {
            ".**.id" => "[id]",
            ".**.conversation_id" => "[id]",
            ".**.owner_id" => "[id]",
            ".**.created_at" => "[time]",
            ".**.updated_at" => "[time]",
            ".**.correlation_id" => "[request]",
        })
    };
}

#[tokio::test]
async fn every_route_has_its_guard() {
    let door = Door::open().await;
    let routes: Vec<String> = door.app.routes().iter().map(ToString::to_string).collect();
    assert_snapshot!(routes.join("\n"));
}

#[tokio::test]
async fn a_conversation_lives_and_ends() {
    let door = Door::open().await;
    let begun = door.post("/v1/conversations", json!({"title": " Trip "})).await;
    let path = begun.header("location").to_owned();
    let posted = door.post(&format!("{path}/messages"), json!({"content": "Grüße 🌍"})).await;
    let changed = door.with_body("PATCH", &path, &json!({"title": null})).await;
    let (read, listed) = (door.get(&path).await, door.get("/v1/conversations").await);
    let messages = door.get(&format!("{path}/messages")).await;
    let deleted = door.send(Request::delete(&path).header("authorization", &door.owner), Body::empty()).await;
    assert_eq!((deleted.status, &*deleted.body), (204, ""));
    let gone = door.get(&path).await;
    let answers = [&begun, &posted, &changed, &read, &listed, &messages, &gone];
    assert_stable!(answers.map(|answer| json!({"status": answer.status, "body": answer.json()})));
}

/// Events of which ids, times and the like do not count.
fn stable(events: &str) -> String {
    let line = |line: &str| match line.strip_prefix("data: ") {
        None => line.to_owned(),
        Some(data) => {
            let mut data: Value = serde_json::from_str(data).unwrap();
            hide(&mut data);
            format!("data: {data}")
        }
    };
    events.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn hide(value: &mut Value) {
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        match name.as_str() {
            "id" | "conversation_id" | "created_at" | "updated_at" | "correlation_id" => *member = "[...]".into(),
            _ => hide(member),
        }
    }
}

#[tokio::test]
async fn a_streamed_answer_resumes_byte_for_byte() {
    let door = Door::open().await;
    let path = format!("{}/messages", door.conversation().await);
    let live = door.post(&path, json!({"content": "Hi 🌍", "stream": true})).await;
    assert_eq!((live.status, live.header("content-type")), (200, "text/event-stream"));
    assert_eq!((live.header("x-accel-buffering"), live.header("cache-control")), ("no", "no-store"));
    assert_snapshot!(stable(&live.body));

    let answer = door.get(&path).await.json()["data"][1]["id"].as_str().unwrap().to_owned();
    let events = format!("{path}/{answer}/events");
    assert_eq!(door.get(&events).await.body, live.body);
    let blocks: Vec<&str> = live.body.split_inclusive("\n\n").collect();
    for seen in 1..blocks.len() {
        let request = Request::get(&events).header("authorization", &door.owner).header("last-event-id", seen);
        assert_eq!(door.send(request, Body::empty()).await.body, blocks[seen..].concat());
        assert_eq!(door.get(&format!("{events}?after={seen}")).await.body, blocks[seen..].concat());
    }
    let end = door.get(&format!("{events}?after={}", blocks.len())).await;
    assert_eq!((end.status, &*end.body), (204, ""));
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_a_problem() {
    let door = Door::open().await;
    let path = format!("{}/messages", door.conversation().await);
    let live = door.post(&path, json!({"content": "cut", "stream": true})).await;
    assert_snapshot!(stable(&live.body));
    let messages = door.get(&path).await.json();
    assert_stable!(messages);
}

#[tokio::test]
async fn a_model_that_is_busy_is_a_problem_and_the_question_stays() {
    let door = Door::open().await;
    let path = format!("{}/messages", door.conversation().await);
    let refused = door.post(&path, json!({"content": "busy"})).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"));
    assert_stable!(refused.json());
    let messages = door.get(&path).await.json();
    assert_eq!((&messages["data"][0]["content"], &messages["data"][1]["status"]), (&json!("busy"), &json!("failed")));
    // In a stream there is no header to say how long to wait.
    let live = door.post(&path, json!({"content": "busy", "stream": true})).await;
    assert_snapshot!(stable(&live.body));
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_pointed_at() {
    let door = Door::open().await;
    let path = door.conversation().await;
    let messages = format!("{path}/messages");
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("POST", "/v1/conversations", json!({"title": "", "agent": "assistant"})),
        ("POST", "/v1/conversations", json!({"title": 7, "owner": "me"})),
        ("POST", "/v1/conversations", json!({"agent": "nobody"})),
        ("PATCH", &path, json!({"title": "a\nb"})),
        ("PATCH", &path, json!({"agent": "nobody"})),
        ("PATCH", &path, json!({"agent": null})),
        ("PATCH", &path, json!(["Other", "assistant"])),
        ("POST", &messages, json!({})),
        ("POST", &messages, json!({"content": " \n"})),
        ("POST", &messages, json!({"content": "Hi", "stream": "yes", "role": "system"})),
    ] {
        let answer = door.with_body(method, path, &body).await;
        let problem = answer.json();
        answers
            .push(json!({"sent": body, "status": answer.status, "code": problem["code"], "errors": problem["errors"]}));
    }
    assert_json_snapshot!(answers);
}

#[tokio::test]
async fn a_change_can_be_made_to_depend_on_what_was_read() {
    let door = Door::open().await;
    let path = door.conversation().await;
    let tag = door.get(&path).await.header("etag").to_owned();
    let with_tag = |method, header, tag: &str| {
        let request = Request::builder().method(method).uri(&path).header("authorization", &door.owner);
        request.header(header, tag).header("content-type", "application/json")
    };
    assert_eq!(door.send(with_tag("GET", "if-none-match", &tag), Body::empty()).await.status, 304);
    let renamed = door.send(with_tag("PATCH", "if-match", &tag), r#"{"title":"Other"}"#).await;
    assert_eq!(renamed.status, 200);
    let stale = door.send(with_tag("PATCH", "if-match", &tag), r#"{"title":"Third"}"#).await;
    assert_eq!((stale.status, &stale.json()["code"]), (412, &json!("precondition_failed")));
    assert_eq!(door.send(with_tag("DELETE", "if-match", &tag), Body::empty()).await.status, 412);
    assert_eq!(door.get(&path).await.json()["title"], "Other");
    let fresh = renamed.header("etag").to_owned();
    // A message is no change of what a title depends on, but of what a reader sees.
    door.fakes.clock.advance(std::time::Duration::from_secs(1));
    door.post(&format!("{path}/messages"), json!({"content": "Hi"})).await;
    assert_eq!(door.send(with_tag("GET", "if-none-match", &fresh), Body::empty()).await.status, 200);
    let unread = door.send(with_tag("PATCH", "if-match", &fresh), r#"{"title":"Fourth"}"#).await;
    assert_eq!(unread.status, 200);
    assert_eq!(door.send(with_tag("DELETE", "if-match", &fresh), Body::empty()).await.status, 412);
    let fresh = unread.header("etag").to_owned();
    assert_eq!(door.send(with_tag("DELETE", "if-match", &fresh), Body::empty()).await.status, 204);
}

#[tokio::test]
async fn numbers_of_events_that_cannot_be_are_refused() {
    let door = Door::open().await;
    let path = format!("{}/messages", door.conversation().await);
    door.post(&path, json!({"content": "Hi"})).await;
    let messages = door.get(&path).await.json();
    let id = |position: usize| messages["data"][position]["id"].as_str().unwrap().to_owned();
    let events = format!("{path}/{}/events", id(1));
    for (hostile, code) in [
        ("-1", "invalid_request"),
        ("1 OR 1=1", "invalid_request"),
        ("99999999999999999999999", "invalid_request"),
        ("4", "event_not_found"),
        ("18446744073709551615", "event_not_found"),
    ] {
        let request = Request::get(&events).header("authorization", &door.owner).header("last-event-id", hostile);
        let refused = door.send(request, Body::empty()).await;
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!(code)), "{hostile}");
    }
    let question = door.get(&format!("{path}/{}/events", id(0))).await;
    assert_eq!((question.status, &question.json()["code"]), (404, &json!("message_not_found")));
    let cancelled = door.post(&format!("{path}/{}/cancel", id(1)), json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json()["code"]), (409, &json!("answer_ended")));
}

#[tokio::test]
async fn who_only_reads_cannot_write_and_who_is_nobody_sees_nothing() {
    let mut door = Door::open().await;
    let path = door.conversation().await;
    assert_eq!(door.send(Request::get(&path), Body::empty()).await.status, 401);
    door.owner = sign_in(&door.fakes.host, Role::Viewer).await.authorization;
    assert_eq!(door.get("/v1/conversations").await.status, 200);
    assert_eq!(door.post("/v1/conversations", json!({})).await.status, 403);
    door.owner = sign_in(&door.fakes.host, Role::Admin).await.authorization;
    let elsewhere = door.get(&path).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["code"]), (404, &json!("conversation_not_found")));
}

#[tokio::test]
async fn a_conversation_that_is_begun_twice_under_one_key_is_the_same_to_the_byte() {
    let door = Door::open().await;
    let begin = async |body: &'static str| {
        let request = Request::post("/v1/conversations").header("authorization", &door.owner);
        door.send(request.header("content-type", "application/json").header("idempotency-key", "k"), body).await
    };
    let first = begin(r#"{"title":"Trip"}"#).await;
    door.with_body("PATCH", first.header("location"), &json!({"title": "Other"})).await;
    let again = begin(r#"{"title":"Trip"}"#).await;
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body));
    for name in ["location", "etag"] {
        assert_eq!(again.header(name), first.header(name));
    }
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let reused = begin(r#"{"title":"Another"}"#).await;
    assert_eq!((reused.status, &reused.json()["code"]), (422, &json!("idempotency_key_reused")));
}

#[tokio::test]
async fn a_message_that_is_posted_twice_under_one_key_is_answered_once() {
    let door = Door::open().await;
    let path = format!("{}/messages", door.conversation().await);
    let post = async |key: &str, body: Value| {
        let request = Request::post(&path).header("authorization", &door.owner).header("idempotency-key", key);
        door.send(request.header("content-type", "application/json"), body.to_string()).await
    };
    for (key, body) in [("k", json!({"content": "Hi"})), ("l", json!({"content": "Hi", "stream": true}))] {
        let (first, again) = (post(key, body.clone()).await, post(key, body.clone()).await);
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert!(first.body.contains("You said: Hi") && !first.headers.contains_key("idempotency-replayed"));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    let reused = post("k", json!({"content": "Ho"})).await;
    assert_eq!((reused.status, &reused.json()["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(door.get(&path).await.json()["data"].as_array().unwrap().len(), 4);
}
