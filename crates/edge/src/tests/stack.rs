//! What every answer has, whatever the handler.

use super::*;

/// Status, headers and body of an answer, as a text.
fn shown(answer: &Answer) -> String {
    let mut headers: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.body)
}

fn named(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("x-request-id", "request-1")
}

#[tokio::test]
async fn an_answer_says_whose_it_is_how_long_it_is_and_keeps_browsers_at_bay() {
    insta::assert_snapshot!(shown(&ask(&app_without_database(), named("GET", "/hello"), "").await));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    insta::assert_snapshot!(shown(&ask(&app_without_database(), named("GET", "/nowhere"), "").await));
}

#[tokio::test]
async fn a_method_that_is_not_known_is_a_problem_that_lists_those_that_are() {
    insta::assert_snapshot!(shown(&ask(&app_without_database(), named("DELETE", "/cats"), "").await));
}

#[tokio::test]
async fn an_unavailable_capability_says_when_to_come_back_and_not_why() {
    insta::assert_snapshot!(shown(&ask(&app_without_database(), named("GET", "/away"), "").await));
}

#[tokio::test]
async fn rejections_of_axum_are_problems_too() {
    let app = app_without_database();
    for (request, status, code) in [
        (named("GET", "/axum/one"), 400, "bad_request"),
        (named("GET", "/axum/%ff"), 400, "bad_request"),
        (named("POST", "/axum"), 415, "unsupported_media_type"),
        (named("POST", "/axum").header("content-type", "application/json"), 400, "bad_request"),
    ] {
        let answer = ask(&app, request, "").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["correlation_id"], "request-1");
    }
}

#[tokio::test]
async fn an_error_that_has_its_own_envelope_keeps_it() {
    let answer = get(&app_without_database(), "/openai").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (400, "\"an envelope of its own\""));
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let app = app_without_database();
    for path in ["/hello", "/nowhere"] {
        let answer = ask(&app, named("HEAD", path), "").await;
        assert_eq!(answer.body, "", "{path}");
        assert_eq!(answer.status, get(&app, path).await.status, "{path}");
    }
}

#[tokio::test]
async fn an_answer_without_content_does_not_speak_of_its_length() {
    let database = host::fake::sqlite_database().await;
    let fakes = Fakes::new(database.sql.clone());
    let owner = auth::testing::sign_in(&fakes.host, auth::Role::Owner).await;
    let request = named("POST", "/conversations").header("authorization", owner.authorization);
    let answer = ask(&app(&fakes), request, "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(!answer.headers.contains_key("content-length"));
}

#[tokio::test]
async fn answers_are_not_stored_unless_they_can_be_asked_for_again() {
    let app = app_without_database();
    assert_eq!(get(&app, "/hello").await.header("cache-control"), "no-store");
    assert_eq!(get(&app, "/tagged").await.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn only_who_came_by_tls_is_told_to_stay_there() {
    let app = app_without_database();
    let strict = async |builder: http::request::Builder| {
        ask(&app, builder, "").await.headers.contains_key("strict-transport-security")
    };
    let url = |url: &str| named("GET", "/hello").header("spin-full-url", url);
    assert!(!strict(named("GET", "/hello")).await);
    assert!(strict(url("https://kowai.example/hello")).await);
    assert!(!strict(url("https://forged.example/hello").header("spin-full-url", "http://kowai.example/hello")).await);
    assert!(strict(named("GET", "/hello").header("x-forwarded-proto", "https")).await);
}

#[tokio::test]
async fn a_client_is_where_spin_says_and_not_where_it_says_itself() {
    let request = named("GET", "/client")
        .header("spin-client-addr", "6.6.6.6:1")
        .header("spin-client-addr", "192.0.2.7:4711")
        .header("user-agent", "é".repeat(101));
    let answer = ask(&app_without_database(), request, "").await;
    assert_eq!(answer.body, r#"Client { address: Some(192.0.2.7), forwarded_for: [], user_agent: None }"#);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let app = app_without_database();
    let first = get(&app, "/tagged").await;
    assert_eq!((first.header("etag"), first.body.as_str()), ("\"7\"", "\"seven\""));
    for (tags, status) in [("\"7\"", 304), ("\"6\", W/\"7\"", 304), ("*", 304), ("\"6\"", 200), ("7", 200), ("", 200)] {
        let answer = ask(&app, named("GET", "/tagged").header("if-none-match", tags), "").await;
        assert_eq!(answer.status.as_u16(), status, "{tags}");
        assert_eq!(answer.body.is_empty(), status == 304, "{tags}");
        assert_eq!(answer.headers.contains_key("content-length"), status == 200, "{tags}");
    }
}

#[tokio::test]
async fn a_write_on_another_version_is_refused() {
    let app = app_without_database();
    for (tags, status) in [
        ("\"7\"", 200),
        ("\"6\", \"7\"", 200),
        ("*", 200),
        ("\"6\"", 412),
        ("W/\"7\"", 412),
        ("\"a,b\",\"7\"", 200),
        ("\"7.1\"", 200),
        ("\"70\"", 412),
        ("\"8.7\"", 412),
    ] {
        let answer = ask(&app, named("PUT", "/tagged").header("if-match", tags), "").await;
        assert_eq!(answer.status.as_u16(), status, "{tags}");
    }
    assert_eq!(ask(&app, named("PUT", "/tagged"), "").await.body, "written");
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_is_not_taken_for_none() {
    let app = app_without_database();
    for tags in
        [&b"\"\xc3\xa9\""[..], b"\"\xe9\"", b"", b",", b"7", b"\"7", b"\"7\"x", b"\"6\", *", b"w/\"7\"", b"\"7 \""]
    {
        let answer = ask(&app, named("PUT", "/tagged").header("if-match", tags), "").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"), "{tags:?}");
        let answer = ask(&app, named("GET", "/tagged").header("if-none-match", tags), "").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "\"seven\""), "{tags:?}");
    }
    let twice = named("PUT", "/tagged").header("if-match", "\"7\"").header("if-match", b"\"\xc3\xa9\"".as_slice());
    assert_eq!(ask(&app, twice, "").await.code(), "bad_request");
}
