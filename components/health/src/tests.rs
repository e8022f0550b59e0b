//! The component as a probe sees it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use host::{
    Host,
    fake::{Fakes, databases_at, sqlite_database},
    sql::Unusable,
};
use serde_json::{Value, json};

async fn get(host: &Host, path: &str) -> (u16, Value) {
    let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
    let answer = super::app(host.clone()).handle(request).await;
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_deployment_that_works_is_ready() {
    let database = sqlite_database().await;
    let fakes = Fakes::new(Arc::clone(&database.sql));
    let (status, body) = get(&fakes.host, "/health/ready").await;
    assert_eq!(status, 200, "{body}");
    insta::assert_json_snapshot!(body, { ".version" => "[version]" }, @r#"
    {
      "checks": {
        "database": {
          "status": "passed"
        },
        "key_value": {
          "status": "passed"
        },
        "schema": {
          "status": "passed"
        }
      },
      "status": "ready",
      "version": "[version]"
    }
    "#);
    assert_eq!(get(&fakes.host, "/health").await, (200, body));
}

#[tokio::test]
async fn a_probe_brings_the_schema_of_a_fresh_database_up_to_date() {
    for database in databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        assert_eq!(get(&fakes.host, "/health/ready").await.0, 200);
    }
}

#[tokio::test]
async fn an_old_schema_is_named_when_it_is_not_to_be_changed() {
    for database in databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("auto_migrate", "false");
        let (status, body) = get(&fakes.host, "/health/ready").await;
        assert_eq!(status, 503);
        assert_eq!(body["checks"]["database"], json!({ "status": "passed" }));
        let reason = body["checks"]["schema"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("the schema is at version 0, this program needs "), "{reason}");
    }
}

#[tokio::test]
async fn without_a_database_the_deployment_is_live_and_says_what_is_missing_but_not_where_it_is() {
    let fakes = Fakes::without_database();
    let host = Host { sql: Arc::new(Unusable::new("no route to secret.example")), ..fakes.host };
    assert_eq!(get(&host, "/health/live").await, (200, json!({ "status": "live" })));
    let (status, body) = get(&host, "/health/ready").await;
    assert_eq!((status, &body["status"]), (503, &json!("unavailable")));
    let reason = "the database is not available";
    assert_eq!(body["checks"]["database"], json!({ "status": "failed", "reason": reason }));
    assert_eq!(body["checks"]["schema"], json!({ "status": "skipped" }));
    assert_eq!(body["checks"]["key_value"], json!({ "status": "passed" }));
}
