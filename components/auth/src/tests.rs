//! The component as a client sees it: its router, on fake ports and a real SQLite.

use std::{sync::Arc, time::Duration};

mod accounts;
mod limits;
mod once;
mod refresh;
mod registration;

use auth::{ACCESS_TOKEN_TTL, REFRESH_TOKEN_TTL, SESSION_TTL};
use axum::{
    body::{Body, to_bytes},
    http::{Request, request::Builder},
};
use edge::App;
use host::{
    fake::{CountedSql, Fakes, TestDatabase, sqlite_database},
    sql::Statement,
};
use serde_json::{Value, json};

/// One instance of the component, on a database of its own.
struct Deployment {
    fakes: Fakes,
    app: App,
    _database: TestDatabase,
}

/// Status and body of an answer.
type Answer = (u16, Value);

impl Deployment {
    async fn new() -> Self {
        let database = sqlite_database().await;
        let fakes = Fakes::new(database.sql.clone());
        let app = super::app(fakes.host.clone());
        Self { fakes, app, _database: database }
    }

    /// A second instance on the same database.
    fn another_instance(&self) -> App {
        super::app(self.fakes.host.clone())
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        ask(&self.app, request, body.to_string()).await
    }

    /// Registers ada, and gives the tokens she got.
    async fn ada(&self) -> Value {
        let (status, tokens) = self.post("/v1/auth/register", ada()).await;
        assert_eq!(status, 201, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &Value) -> Answer {
        self.post("/v1/auth/refresh", json!({ "refresh_token": token })).await
    }
}

fn ada() -> Value {
    json!({ "email": "Ada@Example.com", "password": "analytical engine", "name": "Ada" })
}

async fn ask(app: &App, request: Builder, body: impl Into<Body>) -> Answer {
    let response = app.handle(request.body(body.into()).unwrap()).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

async fn ask_as(app: &App, tokens: &Value, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    ask(app, Request::builder().method(method).uri(path).header("authorization", bearer), "").await
}

async fn send_as(app: &App, tokens: &Value, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request = Request::builder().method(method).uri(path).header("authorization", bearer);
    ask(app, request.header("content-type", "application/json"), body.to_string()).await
}

/// Status and code of a problem.
fn problem((status, body): &Answer) -> (u16, &str) {
    (*status, body["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn every_route_has_its_guard() {
    let deployment = Deployment::new().await;
    let lines: Vec<String> = deployment.app.routes().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn whoever_registers_owns_a_workspace_and_is_signed_in() {
    let deployment = Deployment::new().await;
    let tokens = deployment.ada().await;
    insta::assert_json_snapshot!(tokens, {
        ".access_token" => "[access token]",
        ".refresh_token" => "[refresh token]",
        ".user.id" => "[user]",
        ".user.workspace.id" => "[workspace]",
    });
    let (status, me) = ask_as(&deployment.app, &tokens, "GET", "/v1/me").await;
    assert_eq!((status, &me), (200, &tokens["user"]));
}

#[tokio::test]
async fn an_address_registers_once_however_it_is_spelled() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    let again = json!({ "email": "ada@example.COM", "password": "difference engine" });
    assert_eq!(problem(&deployment.post("/v1/auth/register", again).await), (409, "email_taken"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_registration_is_said_at_once() {
    let deployment = Deployment::new().await;
    let body = json!({ "email": "ada", "password": "short", "name": "\u{0}" });
    let answer = deployment.post("/v1/auth/register", body).await;
    assert_eq!(problem(&answer), (422, "invalid_request"));
    insta::assert_json_snapshot!(answer.1["errors"]);
}

#[tokio::test]
async fn a_wrong_password_looks_like_an_unknown_email() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    let attempt = async |email: &str, password: &str| {
        let (status, mut body) =
            deployment.post("/v1/auth/login", json!({ "email": email, "password": password })).await;
        body["correlation_id"] = Value::Null;
        (status, body)
    };
    let wrong = attempt("ada@example.com", "difference engine").await;
    assert_eq!(problem(&wrong), (401, "wrong_credentials"));
    assert_eq!(attempt("eve@example.com", "difference engine").await, wrong);
    assert_eq!(attempt("not an address", "difference engine").await, wrong);
    assert_eq!(attempt("ada@example.com", &"x".repeat(10_000)).await, wrong);
    assert_eq!(attempt("' OR 1=1 -- @example.com", "").await, wrong);
    let gone = "UPDATE sign_in_limits SET locked_until = 0";
    deployment.fakes.host.sql.execute(Statement::new(gone)).await.unwrap();
    assert_eq!(attempt(" ADA@example.com", "analytical engine").await.0, 200);
}

#[tokio::test]
async fn an_access_token_expires() {
    let deployment = Deployment::new().await;
    let tokens = deployment.ada().await;
    deployment.fakes.clock.advance(ACCESS_TOKEN_TTL - Duration::from_secs(1));
    assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
    deployment.fakes.clock.advance(Duration::from_secs(1));
    let answer = ask_as(&deployment.app, &tokens, "GET", "/v1/me").await;
    assert_eq!(problem(&answer), (401, "token_expired"));
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_refreshed_in_time() {
    let deployment = Deployment::new().await;
    let mut tokens = deployment.ada().await;
    for _ in 0..2 {
        deployment.fakes.clock.advance(REFRESH_TOKEN_TTL - Duration::from_secs(1));
        tokens = deployment.refresh(&tokens["refresh_token"]).await.1;
        assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
    }
    deployment.fakes.clock.advance(REFRESH_TOKEN_TTL);
    assert_eq!(problem(&deployment.refresh(&tokens["refresh_token"]).await), (401, "invalid_refresh_token"));
}

#[tokio::test]
async fn what_is_no_refresh_token_is_none() {
    let deployment = Deployment::new().await;
    let never_given = format!("kowr_{}", "0".repeat(64));
    for hostile in ["", "kowr_", "kowr_' OR 1=1 --", &never_given, &"x".repeat(100_000)] {
        let answer = deployment.refresh(&json!(hostile)).await;
        assert_eq!(problem(&answer), (401, "invalid_refresh_token"), "{}", answer.1);
    }
    assert_eq!(problem(&deployment.refresh(&json!(7)).await), (422, "invalid_request"));
}

#[tokio::test]
async fn who_signs_out_is_out_at_once_here_and_within_seconds_elsewhere() {
    let deployment = Deployment::new().await;
    let elsewhere = deployment.another_instance();
    let tokens = deployment.ada().await;
    assert_eq!(ask_as(&elsewhere, &tokens, "GET", "/v1/me").await.0, 200);
    assert_eq!(ask_as(&deployment.app, &tokens, "POST", "/v1/auth/logout").await, (204, Value::Null));

    assert_eq!(problem(&ask_as(&deployment.app, &tokens, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(ask_as(&elsewhere, &tokens, "GET", "/v1/me").await.0, 200);
    deployment.fakes.clock.advance(SESSION_TTL);
    assert_eq!(problem(&ask_as(&elsewhere, &tokens, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&deployment.refresh(&tokens["refresh_token"]).await), (401, "invalid_refresh_token"));
}

#[tokio::test]
async fn somebody_sees_their_sessions_and_can_end_each() {
    let deployment = Deployment::new().await;
    let phone = deployment.ada().await;
    deployment.fakes.clock.advance(Duration::from_millis(1));
    let request = Request::post("/v1/auth/login")
        .header("content-type", "application/json")
        .header("user-agent", "laptop/1.0")
        .header("spin-client-addr", "192.0.2.7:4711");
    let (_, laptop) = ask(&deployment.app, request, ada_credentials()).await;
    let (_, sessions) = ask_as(&deployment.app, &laptop, "GET", "/v1/auth/sessions").await;
    insta::assert_json_snapshot!(sessions, { ".data[].id" => "[session]" });

    let (_, first) = ask_as(&deployment.app, &laptop, "GET", "/v1/auth/sessions?limit=1").await;
    let rest = format!("/v1/auth/sessions?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, rest) = ask_as(&deployment.app, &laptop, "GET", &rest).await;
    assert_eq!(rest, json!({ "data": [sessions["data"][1]], "next_cursor": null }));

    let of_the_phone = format!("/v1/auth/sessions/{}", sessions["data"][1]["id"].as_str().unwrap());
    assert_eq!(ask_as(&deployment.app, &laptop, "DELETE", &of_the_phone).await.0, 204);
    assert_eq!(problem(&ask_as(&deployment.app, &phone, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&ask_as(&deployment.app, &laptop, "DELETE", &of_the_phone).await), (404, "not_found"));
    assert_eq!(ask_as(&deployment.app, &laptop, "GET", "/v1/me").await.0, 200);
}

fn ada_credentials() -> String {
    json!({ "email": "ada@example.com", "password": "analytical engine" }).to_string()
}

#[tokio::test]
async fn a_session_of_somebody_else_does_not_exist() {
    let deployment = Deployment::new().await;
    let ada = deployment.ada().await;
    let (_, eve) =
        deployment.post("/v1/auth/register", json!({ "email": "eve@example.com", "password": "eavesdropping" })).await;
    let (_, sessions) = ask_as(&deployment.app, &ada, "GET", "/v1/auth/sessions").await;
    let of_ada = format!("/v1/auth/sessions/{}", sessions["data"][0]["id"].as_str().unwrap());
    assert_eq!(problem(&ask_as(&deployment.app, &eve, "DELETE", &of_ada).await), (404, "not_found"));
    assert_eq!(problem(&ask_as(&deployment.app, &eve, "DELETE", "/v1/auth/sessions/x").await), (404, "not_found"));
    assert_eq!(ask_as(&deployment.app, &ada, "GET", "/v1/me").await.0, 200);
}

#[tokio::test]
async fn a_disabled_account_is_out_within_seconds_and_cannot_come_back() {
    let deployment = Deployment::new().await;
    let tokens = deployment.ada().await;
    assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
    deployment.fakes.host.sql.execute(Statement::new("UPDATE users SET status = 'disabled'")).await.unwrap();
    deployment.fakes.clock.advance(SESSION_TTL);
    assert_eq!(problem(&ask_as(&deployment.app, &tokens, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&deployment.refresh(&tokens["refresh_token"]).await), (401, "invalid_refresh_token"));
    let credentials = serde_json::from_str(&ada_credentials()).unwrap();
    assert_eq!(problem(&deployment.post("/v1/auth/login", credentials).await), (403, "account_disabled"));
}

#[tokio::test]
async fn the_administrator_of_the_settings_signs_in_without_having_registered() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("bootstrap_admin_email", "Root@example.com");
    deployment.fakes.variables.set("bootstrap_admin_password", "keys to the kingdom");
    let root = |password: &str| json!({ "email": "root@example.com", "password": password });

    let squatter = deployment.post("/v1/auth/register", root("squatters password")).await;
    assert_eq!(problem(&squatter), (409, "email_taken"));
    assert_eq!(problem(&deployment.post("/v1/auth/login", root("guessed wrong")).await), (401, "wrong_credentials"));
    for _ in 0..2 {
        let (status, tokens) = deployment.post("/v1/auth/login", root("keys to the kingdom")).await;
        assert_eq!((status, &tokens["user"]["roles"]), (200, &json!(["admin"])));
    }
    deployment.fakes.variables.set("bootstrap_admin_password", "another password");
    assert_eq!(deployment.post("/v1/auth/login", root("another password")).await.0, 401);
}

#[tokio::test]
async fn an_administrator_that_nobody_could_be_is_a_misconfiguration() {
    for (email, password) in [("root@example.com", "short"), ("root", "keys to the kingdom")] {
        let deployment = Deployment::new().await;
        deployment.fakes.variables.set("bootstrap_admin_email", email);
        deployment.fakes.variables.set("bootstrap_admin_password", password);
        let answer = deployment.post("/v1/auth/login", json!({ "email": email, "password": password })).await;
        assert_eq!(problem(&answer), (500, "misconfigured"));
        assert!(!answer.1.to_string().contains("bootstrap"), "{}", answer.1);
        assert_eq!(problem(&deployment.post("/v1/auth/register", ada()).await), (500, "misconfigured"));
    }
}

#[tokio::test]
async fn of_many_first_administrators_all_get_in() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("bootstrap_admin_email", "root@example.com");
    deployment.fakes.variables.set("bootstrap_admin_password", "keys to the kingdom");
    let root = json!({ "email": "root@example.com", "password": "keys to the kingdom" });
    let signing_in = futures::future::join_all((0..12).map(|_| deployment.post("/v1/auth/login", root.clone())));
    // Who waits for a hash waits for a bounded time: the clock goes as fast as the machine hashes, and not ahead of it.
    let clock = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            deployment.fakes.clock.advance(std::time::Duration::from_millis(1));
        }
    };
    let answers = match futures::future::select(std::pin::pin!(signing_in), std::pin::pin!(clock)).await {
        futures::future::Either::Left((answers, _)) => answers,
        futures::future::Either::Right((never, _)) => never,
    };
    let users: Vec<&Value> = answers.iter().map(|(_, body)| &body["user"]["id"]).collect();
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert!(users.iter().all(|user| *user == users[0] && user.is_string()), "{users:?}");
}

#[tokio::test]
async fn somebody_who_was_here_before_costs_no_query() {
    let database = sqlite_database().await;
    let sql = Arc::new(CountedSql::new(database.sql.clone()));
    let fakes = Fakes::new(sql.clone());
    let app = super::app(fakes.host.clone());
    let deployment = Deployment { fakes, app, _database: database };
    let tokens = deployment.ada().await;
    assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
    assert_ne!(sql.take_statements(), [""; 0]);
    for _ in 0..3 {
        assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
        assert_eq!(sql.take_statements(), [""; 0]);
    }
    deployment.fakes.clock.advance(SESSION_TTL);
    assert_eq!(ask_as(&deployment.app, &tokens, "GET", "/v1/me").await.0, 200);
    assert_eq!(sql.take_statements().len(), 1);
}
