//! Headers that are not text: bytes beyond ASCII, which HTTP lets through (RFC 9110, section 5.5).

use http::HeaderValue;

use super::*;

/// What comes of a request with `name: <bytes>` in place of what that header says.
async fn sent(app: &App, method: &str, path: &str, name: &str, bytes: &[u8]) -> Answer {
    let value = HeaderValue::from_bytes(bytes).unwrap();
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request.headers_mut().unwrap().insert(http::HeaderName::try_from(name).unwrap(), value);
    ask(app, request, r#"{"name": "Tom", "age": 7, "nick_names": null, "owner": null}"#).await
}

#[tokio::test]
async fn a_header_that_decides_something_and_is_no_text_is_refused() {
    let app = app_without_database();
    for bytes in
        [&b"\xff"[..], b"Bearer \xff", b"application/json\xc3\xa9", "\"7\u{e9}\"".as_bytes(), b"7\xc3", b"gzip\xa0"]
    {
        for (method, path, name, status, code) in [
            ("GET", "/me", "authorization", 401, "unauthenticated"),
            ("POST", "/cats", "content-type", 415, "unsupported_media_type"),
            ("POST", "/cats", "content-encoding", 415, "unsupported_content_coding"),
            ("PUT", "/tagged", "if-match", 400, "bad_request"),
            ("POST", "/orders", "idempotency-key", 422, "invalid_request"),
            ("GET", "/events", "last-event-id", 422, "invalid_request"),
        ] {
            let answer = sent(&app, method, path, name, bytes).await;
            assert_eq!((answer.status.as_u16(), &*answer.code()), (status, code), "{name}: {bytes:?}");
            assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_header_that_only_names_or_describes_and_is_no_text_is_as_good_as_absent() {
    let app = app_without_database();
    for bytes in [&b"\xff"[..], b"\xc3\xa9", b"a\xff-1"] {
        for name in
            ["x-request-id", "traceparent", "if-none-match", "user-agent", "x-forwarded-for", "accept", "x-kowai-user"]
        {
            let answer = sent(&app, "GET", "/tagged", name, bytes).await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (200, "\"seven\""), "{name}: {bytes:?}");
            assert!(answer.header("x-request-id").starts_with("req_"), "{name}: {bytes:?}");
        }
        // Nor does one decide that nobody has ever heard of.
        assert_eq!(sent(&app, "GET", "/client", "user-agent", bytes).await.status, 200);
    }
}
