//! Refresh tokens: exchanged once, and again for a moment.

use super::*;

/// Sets back by so much when tokens were exchanged, as the database's clock told it.
async fn as_if_exchanged_earlier(deployment: &Deployment, ms: i64) {
    let statement = "UPDATE refresh_tokens SET used_at = used_at - ?";
    deployment.fakes.host.sql.execute(Statement::new(statement).bind(ms)).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_just_exchanged_gives_the_same_tokens_again() {
    let deployment = Deployment::new().await;
    let first = deployment.ada().await;
    let (status, second) = deployment.refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200);
    deployment.fakes.clock.advance(Duration::from_secs(7));
    let (status, again) = deployment.refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200, "{again}");
    assert_eq!(again["expires_in"], json!(893));
    for same in ["access_token", "refresh_token", "expires_at"] {
        assert_eq!(again[same], second[same]);
    }
    assert_eq!(ask_as(&deployment.app, &again, "GET", "/v1/me").await.0, 200);
}

#[tokio::test]
async fn of_many_who_exchange_one_token_all_get_the_same() {
    let deployment = Deployment::new().await;
    let first = deployment.ada().await;
    let answers = futures::future::join_all((0..64).map(|_| deployment.refresh(&first["refresh_token"]))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert!(answers.iter().all(|(_, body)| body["refresh_token"] == answers[0].1["refresh_token"]), "{answers:?}");
    let (status, next) = deployment.refresh(&answers[0].1["refresh_token"]).await;
    assert_eq!(status, 200, "{next}");
}

#[tokio::test]
async fn a_token_that_comes_again_too_late_ends_its_session() {
    let deployment = Deployment::new().await;
    let first = deployment.ada().await;
    let second = deployment.refresh(&first["refresh_token"]).await.1;
    assert_eq!(ask_as(&deployment.app, &second, "GET", "/v1/me").await.0, 200);
    as_if_exchanged_earlier(&deployment, 30_000).await;
    assert_eq!(problem(&deployment.refresh(&first["refresh_token"]).await), (401, "refresh_token_reused"));
    assert_eq!(problem(&deployment.refresh(&second["refresh_token"]).await), (401, "invalid_refresh_token"));
    assert_eq!(problem(&ask_as(&deployment.app, &second, "GET", "/v1/me").await), (401, "session_ended"));
}

#[tokio::test]
async fn a_token_whose_successor_was_used_ends_its_session() {
    let deployment = Deployment::new().await;
    let first = deployment.ada().await;
    let second = deployment.refresh(&first["refresh_token"]).await.1;
    let third = deployment.refresh(&second["refresh_token"]).await.1;
    assert_eq!(problem(&deployment.refresh(&first["refresh_token"]).await), (401, "refresh_token_reused"));
    assert_eq!(problem(&ask_as(&deployment.app, &third, "GET", "/v1/me").await), (401, "session_ended"));
}

#[tokio::test]
async fn a_session_ends_some_day_however_often_it_is_refreshed() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("session_max_days", "40");
    let first = deployment.ada().await;
    deployment.fakes.clock.advance(REFRESH_TOKEN_TTL - Duration::from_secs(1));
    let second = deployment.refresh(&first["refresh_token"]).await.1;
    deployment.fakes.clock.advance(Duration::from_secs(10 * 24 * 60 * 60));
    assert_eq!(deployment.refresh(&second["refresh_token"]).await.0, 200);
    deployment.fakes.clock.advance(Duration::from_secs(1));
    assert_eq!(problem(&deployment.refresh(&second["refresh_token"]).await), (401, "invalid_refresh_token"));
}

#[tokio::test]
async fn without_a_key_nothing_is_written() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("auth_secret", "short");
    assert_eq!(problem(&deployment.post("/v1/auth/register", ada()).await), (500, "misconfigured"));
    let rows = deployment.fakes.host.sql.query(Statement::new("SELECT id FROM users")).await.unwrap();
    assert!(rows.is_empty());

    deployment.fakes.variables.set("auth_secret", "");
    let tokens = deployment.ada().await;
    deployment.fakes.variables.set("auth_secret", "short");
    let elsewhere = deployment.another_instance();
    let refresh = Request::post("/v1/auth/refresh").header("content-type", "application/json");
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    assert_eq!(problem(&ask(&elsewhere, refresh, body).await), (500, "misconfigured"));
    deployment.fakes.variables.set("auth_secret", "");
    assert_eq!(deployment.refresh(&tokens["refresh_token"]).await.0, 200, "it was not used up");
}

#[tokio::test]
async fn a_new_key_signs_nobody_out() {
    let deployment = Deployment::new().await;
    let (old, new) = ("the secret of last year that has 32 bytes", "the secret of this year that has 32 bytes");
    deployment.fakes.variables.set("auth_secret", old);
    let tokens = deployment.ada().await;
    let exchanged = deployment.refresh(&tokens["refresh_token"]).await.1;
    deployment.fakes.variables.set("auth_secret", new);
    deployment.fakes.variables.set("auth_secret_previous", old);
    let elsewhere = deployment.another_instance();
    assert_eq!(ask_as(&elsewhere, &exchanged, "GET", "/v1/me").await.0, 200);
    let refresh = Request::post("/v1/auth/refresh").header("content-type", "application/json");
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    let (status, again) = ask(&elsewhere, refresh, body).await;
    assert_eq!((status, &again["refresh_token"]), (200, &exchanged["refresh_token"]));
    assert_ne!(again["access_token"], exchanged["access_token"], "signed by the new key");
    assert_eq!(ask_as(&elsewhere, &again, "GET", "/v1/me").await.0, 200);
}

#[tokio::test]
async fn whoever_holds_a_token_of_a_session_may_end_it() {
    let deployment = Deployment::new().await;
    let expired = deployment.ada().await;
    deployment.fakes.clock.advance(ACCESS_TOKEN_TTL);
    assert_eq!(ask_as(&deployment.app, &expired, "POST", "/v1/auth/logout").await, (204, Value::Null));
    assert_eq!(problem(&deployment.refresh(&expired["refresh_token"]).await), (401, "invalid_refresh_token"));

    let (_, tokens) = deployment.post("/v1/auth/login", serde_json::from_str(&ada_credentials()).unwrap()).await;
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(deployment.post("/v1/auth/logout", body.clone()).await.0, 204);
    assert_eq!(problem(&ask_as(&deployment.app, &tokens, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&deployment.refresh(&tokens["refresh_token"]).await), (401, "invalid_refresh_token"));

    let nobody = ask(&deployment.app, Request::post("/v1/auth/logout"), "").await;
    assert_eq!(problem(&nobody), (401, "invalid_refresh_token"));
    let forged = Request::post("/v1/auth/logout").header("authorization", "Bearer a.b.c");
    assert_eq!(problem(&ask(&deployment.app, forged, "").await), (401, "invalid_token"));
}
