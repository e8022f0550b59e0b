//! Passwords changed and reset, sessions ended, accounts closed and deleted.

use super::*;

const NEW: &str = "a loom for algebra";

async fn log_in(deployment: &Deployment, email: &str, password: &str) -> Answer {
    deployment.post("/v1/auth/login", json!({ "email": email, "password": password })).await
}

/// Somebody who has joined the workspace of `owner` as a member.
async fn member(deployment: &Deployment, owner: &Value, name: &str) -> Value {
    let invitation =
        send_as(&deployment.app, owner, "POST", "/v1/auth/invitations", json!({ "role": "member" })).await.1;
    // Accounts of the same moment come in any order.
    deployment.fakes.clock.advance(Duration::from_millis(1));
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "password": "difference engine", "invitation": invitation["token"] });
    let (status, tokens) = deployment.post("/v1/auth/register", body).await;
    assert_eq!(status, 201, "{tokens}");
    tokens
}

/// Somebody who runs the deployment.
async fn administrator(deployment: &Deployment) -> Value {
    deployment.fakes.variables.set("bootstrap_admin_email", "root@example.com");
    deployment.fakes.variables.set("bootstrap_admin_password", "keys to the kingdom");
    log_in(deployment, "root@example.com", "keys to the kingdom").await.1
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let deployment = Deployment::new().await;
    let phone = deployment.ada().await;
    let laptop = log_in(&deployment, "ada@example.com", "analytical engine").await.1;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        send_as(&deployment.app, &laptop, "POST", "/v1/me/password", body).await
    };
    assert_eq!(problem(&change("a wrong guess", NEW).await), (401, "wrong_credentials"));
    let unfit = change("analytical engine", "password1").await;
    assert_eq!(
        (problem(&unfit), &unfit.1["errors"][0]["pointer"]),
        ((422, "invalid_request"), &json!("/new_password"))
    );
    assert_eq!(change("analytical engine", NEW).await, (204, Value::Null));
    assert_eq!(ask_as(&deployment.app, &laptop, "GET", "/v1/me").await.0, 200);
    assert_eq!(problem(&ask_as(&deployment.app, &phone, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&deployment.refresh(&phone["refresh_token"]).await), (401, "invalid_refresh_token"));
    assert_eq!(log_in(&deployment, "ada@example.com", "analytical engine").await.0, 401);
    assert_eq!(log_in(&deployment, "ada@example.com", NEW).await.0, 200);
}

#[tokio::test]
async fn a_forgotten_password_is_reset_with_a_letter_that_only_its_holder_gets() {
    let deployment = Deployment::new().await;
    let ada = deployment.ada().await;
    let admin = administrator(&deployment).await;
    let ask_for = async |email: &str| deployment.post("/v1/auth/password-reset", json!({ "email": email })).await;
    assert_eq!(ask_for("ADA@example.com").await, (202, Value::Null));
    assert_eq!(ask_for("nobody@example.com").await, (202, Value::Null));
    assert_eq!(ask_for("not an address").await, (202, Value::Null));
    deployment.fakes.tasks.run().await;
    let (_, letters) = ask_as(&deployment.app, &admin, "GET", "/v1/auth/outbox").await;
    assert_eq!(letters["data"].as_array().unwrap().len(), 1, "{letters}");
    assert_eq!(letters["data"][0]["recipient"], "ada@example.com");

    let reset = async |password: &str| {
        let body = json!({ "token": letters["data"][0]["token"], "new_password": password });
        deployment.post("/v1/auth/password-reset/confirm", body).await
    };
    assert_eq!(problem(&reset("short").await), (422, "invalid_request"));
    assert_eq!(reset(NEW).await, (204, Value::Null));
    assert_eq!(problem(&reset("another password of mine").await), (422, "invalid_account_token"));
    assert_eq!(problem(&ask_as(&deployment.app, &ada, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(log_in(&deployment, "ada@example.com", NEW).await.0, 200);
    let (_, letters) = ask_as(&deployment.app, &admin, "GET", "/v1/auth/outbox").await;
    assert_eq!(letters["data"][0]["token"], Value::Null, "a used token is not shown");
}

#[tokio::test]
async fn a_letter_is_good_for_an_hour_and_only_the_first_three_are_written() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    let admin = administrator(&deployment).await;
    for _ in 0..5 {
        assert_eq!(deployment.post("/v1/auth/password-reset", json!({ "email": "ada@example.com" })).await.0, 202);
        deployment.fakes.clock.advance(Duration::from_millis(1));
    }
    deployment.fakes.tasks.run().await;
    let (_, letters) = ask_as(&deployment.app, &admin, "GET", "/v1/auth/outbox").await;
    assert_eq!(letters["data"].as_array().unwrap().len(), 3);
    deployment.fakes.clock.advance(Duration::from_secs(60 * 60));
    let body = json!({ "token": letters["data"][0]["token"], "new_password": NEW });
    let late = deployment.post("/v1/auth/password-reset/confirm", body).await;
    assert_eq!(problem(&late), (422, "invalid_account_token"));
}

#[tokio::test]
async fn an_owner_resets_the_password_of_a_member_and_not_of_themselves_or_of_strangers() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    let bob = member(&deployment, &owner, "bob").await;
    let reset = async |tokens: &Value, of: &Value| {
        let path = format!("/v1/users/{}/password-reset", of["user"]["id"].as_str().unwrap());
        ask_as(&deployment.app, tokens, "POST", &path).await
    };
    let (status, issued) = reset(&owner, &bob).await;
    assert_eq!(status, 201, "{issued}");
    let body = json!({ "token": issued["token"], "new_password": NEW });
    assert_eq!(deployment.post("/v1/auth/password-reset/confirm", body).await.0, 204);
    assert_eq!(log_in(&deployment, "bob@example.com", NEW).await.0, 200);
    assert_eq!(problem(&reset(&owner, &owner).await), (409, "own_account"));
    let admin = administrator(&deployment).await;
    assert_eq!(problem(&reset(&owner, &admin).await), (404, "not_found"));
    let bob = log_in(&deployment, "bob@example.com", NEW).await.1;
    assert_eq!(problem(&reset(&bob, &owner).await), (403, "forbidden"));
}

#[tokio::test]
async fn somebody_ends_all_their_sessions() {
    let deployment = Deployment::new().await;
    let phone = deployment.ada().await;
    let laptop = log_in(&deployment, "ada@example.com", "analytical engine").await.1;
    assert_eq!(ask_as(&deployment.app, &laptop, "GET", "/v1/me").await.0, 200);
    assert_eq!(ask_as(&deployment.app, &phone, "DELETE", "/v1/auth/sessions").await, (204, Value::Null));
    for tokens in [&phone, &laptop] {
        assert_eq!(problem(&ask_as(&deployment.app, tokens, "GET", "/v1/me").await), (401, "session_ended"));
        assert_eq!(problem(&deployment.refresh(&tokens["refresh_token"]).await), (401, "invalid_refresh_token"));
    }
}

#[tokio::test]
async fn an_owner_sees_the_accounts_of_the_workspace_and_closes_them() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    let bob = member(&deployment, &owner, "bob").await;
    let elsewhere = deployment.another_instance();
    assert_eq!(ask_as(&elsewhere, &bob, "GET", "/v1/me").await.0, 200);
    let (_, users) = ask_as(&deployment.app, &owner, "GET", "/v1/users").await;
    insta::assert_json_snapshot!(users, { ".data[].id" => "[user]" });
    assert_eq!(problem(&ask_as(&deployment.app, &bob, "GET", "/v1/users").await), (403, "forbidden"));

    let set = async |of: &Value, status: &str| {
        let path = format!("/v1/users/{}", of["user"]["id"].as_str().unwrap());
        send_as(&deployment.app, &owner, "PATCH", &path, json!({ "status": status })).await
    };
    let (status, closed) = set(&bob, "disabled").await;
    assert_eq!((status, &closed["status"]), (200, &json!("disabled")));
    assert_eq!(problem(&ask_as(&deployment.app, &bob, "GET", "/v1/me").await), (401, "session_ended"));
    deployment.fakes.clock.advance(SESSION_TTL);
    assert_eq!(problem(&ask_as(&elsewhere, &bob, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(problem(&log_in(&deployment, "bob@example.com", "difference engine").await), (403, "account_disabled"));
    assert_eq!(set(&bob, "active").await.0, 200);
    assert_eq!(log_in(&deployment, "bob@example.com", "difference engine").await.0, 200);
    assert_eq!(problem(&set(&owner, "disabled").await), (409, "own_account"));
    assert_eq!(problem(&set(&bob, "asleep").await), (422, "invalid_request"));
}

#[tokio::test]
async fn somebody_takes_their_data_along_and_deletes_their_account() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    let bob = member(&deployment, &owner, "bob").await;
    let (_, export) = ask_as(&deployment.app, &bob, "GET", "/v1/me/export").await;
    assert_eq!(
        (&export["account"]["email"], &export["sessions"][0]["current"]),
        (&json!("bob@example.com"), &json!(true))
    );
    assert_eq!(export["links"]["conversations"], "/v1/conversations");

    let delete = async |tokens: &Value, password: &str| {
        send_as(&deployment.app, tokens, "DELETE", "/v1/me", json!({ "password": password })).await
    };
    assert_eq!(problem(&delete(&owner, "analytical engine").await), (409, "last_owner"));
    assert_eq!(problem(&delete(&bob, "a wrong guess").await), (401, "wrong_credentials"));
    assert_eq!(delete(&bob, "difference engine").await, (204, Value::Null));
    assert_eq!(problem(&ask_as(&deployment.app, &bob, "GET", "/v1/me").await), (401, "session_ended"));
    assert_eq!(log_in(&deployment, "bob@example.com", "difference engine").await.0, 401);
    assert_eq!(delete(&owner, "analytical engine").await.0, 204, "nobody is left to be looked after");
    let rows = deployment.fakes.host.sql.query(Statement::new("SELECT id FROM sessions")).await.unwrap();
    assert!(rows.is_empty());
}
