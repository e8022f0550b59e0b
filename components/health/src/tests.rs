//! The component as a probe sees it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use host::{
    Host,
    fake::{Fakes, databases_at, sqlite_database},
    schema_version,
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
async fn every_route_has_its_guard() {
    let routes: Vec<String> =
        super::app(Fakes::without_database().host).routes().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(routes.join("\n"));
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
        "schema": {
          "status": "passed"
        },
        "settings": {
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
async fn a_probe_of_a_fresh_database_says_what_the_first_request_will_do_and_does_nothing() {
    for database in databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("auth_secret", "a secret of more than thirty-two bytes");
        let (status, body) = get(&fakes.host, "/health/ready").await;
        assert_eq!((status, &body["checks"]["schema"]), (200, &json!({ "status": "pending" })));
        fakes.tasks.run().await;
        assert_eq!(schema_version(&*database.sql).await, Ok(0));
        host::ready(&fakes.host).await.unwrap();
        let (_, body) = get(&fakes.host, "/health/ready").await;
        assert_eq!(body["checks"]["schema"], json!({ "status": "passed" }));
    }
}

#[tokio::test]
async fn an_old_schema_is_named_when_it_is_not_to_be_changed() {
    for database in databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("auto_migrate", "False");
        let (status, body) = get(&fakes.host, "/health/ready").await;
        assert_eq!(status, 503);
        assert_eq!(body["checks"]["database"], json!({ "status": "passed" }));
        let reason = body["checks"]["schema"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("the schema is at version 0, this program needs "), "{reason}");
    }
}

#[tokio::test]
async fn every_wrong_setting_is_named_and_none_of_their_values() {
    let database = sqlite_database().await;
    for (name, value) in [
        ("auth_secret", "hunter2"),
        ("bootstrap_admin_email", "hunter2"),
        ("auto_migrate", "hunter2"),
        ("retention_months", "hunter2"),
        ("llm_models", "hunter2"),
        ("llm_models", "[]"),
        ("llm_script", "hunter2"),
        ("default_model", "hunter2"),
    ] {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("bootstrap_admin_password", "correct horse");
        fakes.variables.set(name, value);
        let (status, body) = get(&fakes.host, "/health/ready").await;
        assert_eq!((status, &body["checks"]["settings"]["status"]), (503, &json!("failed")), "{name}: {body}");
        assert_eq!(body["checks"]["settings"]["problems"][0]["setting"], name, "{body}");
        assert_eq!(body["checks"]["settings"]["problems"][1], Value::Null, "{body}");
        assert!(!body.to_string().contains("hunter2"), "{body}");
        // Whoever restarts what is not live would restart it in vain.
        assert_eq!(get(&fakes.host, "/health/live").await.0, 200);
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
    assert_eq!(body["checks"]["settings"], json!({ "status": "passed" }));
}
