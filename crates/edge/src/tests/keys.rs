//! Bodies with the key under which they were sent.

use super::*;

async fn order(app: &App, keys: &[&str], body: &'static str) -> Answer {
    let mut request = Request::builder().method("POST").uri("/orders").header("content-type", "application/json");
    for key in keys {
        request = request.header("idempotency-key", *key);
    }
    ask(app, request, body).await
}

#[tokio::test]
async fn a_request_is_told_by_its_key_and_all_of_its_body() {
    let app = app_without_database();
    let body = r#"{"name":"Tom","age":3}"#;
    assert_eq!(order(&app, &[], body).await.body, "Tom: no key");
    let first = order(&app, &["k"], body).await;
    assert!(first.body.starts_with("Tom: Attempt"), "{}", first.body);
    assert_eq!(first.headers["idempotency-replayed"], "true");
    assert_eq!(order(&app, &["\"k\""], body).await.body, first.body);
    for (key, body) in [("l", body), ("k", r#"{"name": "Tom","age":3}"#)] {
        assert_ne!(order(&app, &[key], body).await.body, first.body);
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_pointed_at() {
    let app = app_without_database();
    for keys in [&[""][..], &["a b"], &["\"open"], &["a", "a"]] {
        let refused = order(&app, keys, r#"{"name":"Tom","age":3}"#).await;
        assert_eq!(refused.status.as_u16(), 422, "{keys:?}");
        assert_eq!(refused.json()["errors"][0]["pointer"], ":idempotency-key");
    }
    let malformed = order(&app, &["k"], "{").await;
    assert_eq!(malformed.json()["code"], "malformed_json");
}
