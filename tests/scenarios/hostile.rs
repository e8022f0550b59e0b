//! Bad input: each gets its problem, no instance dies, nothing secret is logged.

use anyhow::Result;
use reqwest::{Method, header};
use scenarios::open_conversation;
use serde_json::{Value, json};
use testkit::{Answer, Application, Client, send};

/// The answer is a problem that is well formed, with this status and this code.
#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["correlation_id"], answer.header("x-request-id"));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
}

async fn post_raw(client: &Client, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
    send(client.request(Method::POST, path).header(header::CONTENT_TYPE, kind).body(body)).await
}

#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_gets_its_problem() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let path = "/v1/conversations";
    let json_type = "application/json";
    check(&post_raw(&ada, path, json_type, "{").await?, 400, "malformed_json");
    check(&post_raw(&ada, path, json_type, "").await?, 400, "malformed_json");
    check(&post_raw(&ada, path, json_type, b"{\"title\": \"\xff\xfe\"}".to_vec()).await?, 400, "malformed_json");
    check(&post_raw(&ada, path, "text/plain", "{}").await?, 415, "unsupported_media_type");
    check(&post_raw(&ada, path, json_type, "[".repeat(100_000)).await?, 400, "malformed_json");
    check(&post_raw(&ada, path, json_type, vec![b' '; 20 << 20]).await?, 413, "body_too_large");
    let wrong = post_raw(&ada, path, json_type, r#"{"title": 5}"#).await?;
    check(&wrong, 422, "invalid_request");
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/title");
    let unknown = post_raw(&ada, path, json_type, r#"{"title": "x", "colour": 1, "~/": 2}"#).await?;
    check(&unknown, 422, "invalid_request");
    let problem = unknown.json();
    let pointers: Vec<&Value> = problem["errors"].as_array().into_iter().flatten().map(|it| &it["pointer"]).collect();
    assert_eq!(pointers, [&json!("/colour"), &json!("/~0~1")]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_what_is_not_offered_is_not_allowed() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Mine").await?;
    for id in ["conv_1", "conv_' OR 1=1 --", "..%2f..%2fetc", "%00", "msg_x"] {
        let answer = ada.get(&format!("/v1/conversations/{}", id.replace(' ', "%20"))).await?;
        check(&answer, 404, "not_found");
    }
    let nobodys = "/v1/conversations/conv_00000000000000000000000000000000";
    check(&ada.get(nobodys).await?, 404, "conversation_not_found");
    check(&ada.get("/v1/conversations/a/b/c/d/e").await?, 404, "not_found");
    check(&ada.post(&conversation, &json!({})).await?, 405, "method_not_allowed");
    for cursor in ["x", "%00", "a".repeat(5000).as_str(), "eyJ4IjoxfQ"] {
        let answer = ada.get(&format!("/v1/conversations?cursor={cursor}")).await?;
        check(&answer, 422, "invalid_request");
        assert_eq!(answer.json()["errors"][0]["pointer"], "?cursor");
    }
    for limit in ["0", "-1", "101", "x", "99999999999999999999"] {
        check(&ada.get(&format!("/v1/conversations?limit={limit}")).await?, 422, "invalid_request");
    }
    Ok(())
}

#[tokio::test]
async fn sql_in_values_stays_a_value() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let title = "'; DROP TABLE messages; -- \" \\ \u{0} % _ 👩‍👩‍👧";
    let path = open_conversation(&ada, &title.replace('\u{0}', "")).await?;
    assert_eq!(ada.get(&path).await?.expect(200)["title"], title.replace('\u{0}', ""));
    let said = scenarios::say(&ada, &path, "' OR '1'='1").await?;
    assert_eq!(said["user_message"]["content"], "' OR '1'='1");
    Ok(())
}

#[tokio::test]
async fn headers_that_a_client_made_up_change_nothing() -> Result<()> {
    let application = Application::start().await?;
    let (ada, bob) = (application.user("ada").await?, application.user("bob").await?);
    let mine = open_conversation(&ada, "Mine").await?;
    let spoofed = bob
        .request(Method::GET, "/v1/conversations?limit=20")
        .header("spin-path-info", "/v1/me")
        .header("spin-full-url", format!("http://localhost{mine}"))
        .header("spin-client-addr", "10.0.0.1:1")
        .header("spin-path-match-id", mine.rsplit('/').next().unwrap_or_default())
        .header("x-kowai-workspace", "ws_00000000000000000000000000000000")
        .header("x-kowai-user", "somebody");
    assert_eq!(send(spoofed).await?.expect(200)["data"], json!([]));
    let long = "x".repeat(5000);
    for id in ["a b", "{}", "\"><script>", long.as_str()] {
        let answer = send(ada.request(Method::GET, "/v1/me").header("x-request-id", id)).await?;
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("x-request-id"), id, "an id that could do harm is replaced");
    }
    let answer = send(ada.request(Method::GET, "/v1/me").header("x-request-id", "my-id.1")).await?;
    assert_eq!(answer.header("x-request-id"), "my-id.1");
    Ok(())
}

#[tokio::test]
async fn nothing_secret_is_logged_whatever_is_sent() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "a-title-nobody-should-log").await?;
    scenarios::say(&ada, &conversation, "a-message-nobody-should-log").await?;
    let client = application.client();
    client
        .post("/v1/auth/login", &json!({"email": "ada@example.com", "password": "a-password-nobody-should-log"}))
        .await?;
    post_raw(&client, "/v1/auth/login", "application/json", r#"{"password": "a-broken-body-nobody-should-log"#).await?;
    client.with_token("a.token.nobody-should-log").get("/v1/me").await?;
    client.get("/v1/me?token=a-query-nobody-should-log").await?;
    let logs = application.logs()?;
    assert!(logs.contains("correlation_id"), "requests are logged");
    assert!(!logs.contains("nobody-should-log"), "{logs}");
    assert!(ada.token().is_some_and(|token| !logs.contains(token)));
    assert!(!application.host_log().contains("worker failed"), "no instance died: {}", application.host_log());
    Ok(())
}
