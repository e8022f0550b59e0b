use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use host::fake::Fakes;
use http_body_util::BodyExt;
use serde_json::Value;

use super::*;

async fn ask(method: &str, path: &str, accept: &str) -> (u16, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty()).unwrap();
    let (head, body) = app(Fakes::without_database().host).handle(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_route_has_its_guard() {
    let routes: Vec<String> = app(Fakes::without_database().host).routes().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(routes.join("\n"));
}

#[tokio::test]
async fn a_browser_gets_a_page_under_a_strict_policy() {
    for path in ["/", "/docs"] {
        let (status, headers, body) = ask("GET", path, "text/html,*/*;q=0.8").await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
        assert_eq!(headers["content-security-policy"], POLICY);
        assert!(!POLICY.to_str().unwrap().contains("unsafe"));
        assert!(body.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && body.contains("/v1/auth/login"));
    }
    let (status, headers, body) = ask("GET", "/docs/style.css", "text/css").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/css; charset=utf-8"));
    assert!(body.contains("prefers-color-scheme"));
}

#[tokio::test]
async fn a_program_gets_the_same_in_json() {
    let (status, headers, body) = ask("GET", "/", "application/json").await;
    assert_eq!((status, headers["vary"].to_str().unwrap()), (200, "accept"));
    let about: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&about["name"], &about["ready"]), (&"KowAI".into(), &"/health/ready".into()));
    let post = about["endpoints"].as_array().unwrap().iter().find(|it| it["path"] == "/v1/auth/login").unwrap();
    assert_eq!((&post["method"], &post["guard"]), (&"POST".into(), &"public".into()));
}

#[tokio::test]
async fn a_path_that_nobody_serves_is_a_problem() {
    for (method, path) in
        [("GET", "/v1/nothing"), ("POST", "/x"), ("DELETE", "/docs/x"), ("OPTIONS", "/x"), ("GET", "//")]
    {
        let (status, headers, body) = ask(method, path, "*/*").await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (404, "application/problem+json"), "{path}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"], "not_found");
    }
    let (status, headers, _) = ask("POST", "/docs", "*/*").await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    let (status, headers, body) = ask("HEAD", "/", "text/html").await;
    assert_eq!((status, &*body), (200, ""));
    assert!(headers.contains_key("content-type"));
}
