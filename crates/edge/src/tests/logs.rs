//! What the log says, and what it must not say.

use std::{cell::RefCell, sync::Once};

use super::*;
use crate::log::JsonLines;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// All lines that are logged while `requests` run.
async fn logged(requests: impl Future<Output = ()>) -> Vec<Value> {
    lines(requests).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As [`logged`], line by line as it was written.
async fn lines(requests: impl Future<Output = ()>) -> Vec<String> {
    // One subscriber for all tests, each of which has a thread of its own: tracing remembers for the whole process which
    // events anybody wants, so that subscribers that come and go with tests would miss some.
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let write = |line: &[u8]| {
            let line = String::from_utf8(line.to_owned()).expect("a line is UTF-8");
            let line = line.strip_suffix('\n').expect("a line has its break");
            assert!(!line.contains('\n'), "{line}");
            LINES.with_borrow_mut(|lines| lines.push(line.to_owned()));
        };
        tracing::subscriber::set_global_default(JsonLines::new(tracing::Level::TRACE, write)).unwrap();
    });
    LINES.take();
    requests.await;
    LINES.take()
}

#[tokio::test]
async fn a_request_is_one_line_that_says_what_became_of_it() {
    let lines = lines(async {
        let request = Request::get("/hello?token=secret")
            .header("x-request-id", "request-1")
            .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        ask(&app_without_database(), request, "").await;
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let shown = lines[0]
        .replace(line["timestamp"].as_str().unwrap(), "[time]")
        .replace(&line["execution_time"].to_string(), "[milliseconds]");
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn what_a_caller_does_not_learn_is_in_the_log_once_and_under_their_correlation_id() {
    let lines = logged(async {
        ask(&app_without_database(), Request::get("/broken").header("x-request-id", "request-2"), "").await;
    })
    .await;
    let failures: Vec<&Value> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(failures.len(), 1, "{lines:?}");
    assert!(failures[0]["cause"].as_str().unwrap().starts_with("the cat is away: "), "{lines:?}");
    assert_eq!(failures[0]["correlation_id"], "request-2");
}

#[tokio::test]
async fn a_log_line_names_its_user_and_never_their_token() {
    let database = host::fake::sqlite_database().await;
    let fakes = Fakes::new(database.sql.clone());
    let ada = auth::testing::sign_in(&fakes.host, auth::Role::Owner).await;
    let lines = logged(async {
        ask(&app(&fakes), Request::get("/me").header("authorization", &ada.authorization), "").await;
        let forged = format!("{}x", ada.authorization);
        ask(&app(&fakes), Request::get("/me").header("authorization", forged), "").await;
    })
    .await;
    assert_eq!(lines[0]["user_id"], ada.principal.user.to_string());
    assert_eq!(lines[1]["user_id"], Value::Null);
    let token = ada.authorization.trim_start_matches("Bearer ");
    for line in &lines {
        assert!(!line.to_string().contains(&token[..40]), "{line}");
    }
}

#[tokio::test]
async fn nothing_that_a_client_sends_makes_a_second_line() {
    let lines = logged(async {
        let path = format!("/{}", "x%0A{\"level\":\"ERROR\"}".repeat(50).replace('"', "%22").replace(['{', '}'], "_"));
        ask(&app_without_database(), Request::get(path).header("x-request-id", "a\tb\"c"), "").await;
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["path"].as_str().unwrap().len(), 200);
    assert!(lines[0]["correlation_id"].as_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn a_quiet_component_is_only_heard_at_level_debug() {
    let fakes = Fakes::without_database();
    let app = routes().without_database().quiet().build(&fakes.host, fakes.host.clone());
    let lines = logged(async { drop(get(&app, "/hello").await) }).await;
    assert_eq!(lines[0]["level"], "DEBUG");
}
