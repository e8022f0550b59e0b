//! Requests that are sent twice under one `Idempotency-Key`.

use super::*;

impl Deployment {
    /// As `post`, under `key`; and whether the answer is one to a request that had been carried out before.
    async fn keyed(&self, app: &App, key: &str, path: &str, body: &Value) -> (u16, Value, bool) {
        let request = Request::post(path).header("content-type", "application/json").header("idempotency-key", key);
        let response = app.handle(request.body(Body::from(body.to_string())).unwrap()).await;
        let (status, is_replay) = (response.status().as_u16(), response.headers().contains_key("idempotency-replayed"));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap(), is_replay)
    }

    async fn count(&self, table: &str) -> i64 {
        let rows = self.fakes.host.sql.query(Statement::new(format!("SELECT COUNT(*) FROM {table}"))).await.unwrap();
        rows[0].get(0).unwrap()
    }
}

#[tokio::test]
async fn who_registers_twice_under_one_key_has_one_account_and_the_same_tokens() {
    let deployment = Deployment::new().await;
    let elsewhere = deployment.another_instance();
    let register = async |app: &App, key: &str| deployment.keyed(app, key, "/v1/auth/register", &ada()).await;
    let (status, tokens, is_replay) = register(&deployment.app, "k").await;
    assert_eq!((status, is_replay), (201, false), "{tokens}");
    assert_eq!(register(&elsewhere, "k").await, (201, tokens.clone(), true));
    assert_eq!(deployment.count("sessions").await, 1);
    let stranger = register(&elsewhere, "l").await;
    assert_eq!(problem(&(stranger.0, stranger.1)), (409, "email_taken"));
    let other = json!({ "email": "ada@example.com", "password": "another password" });
    let refused = deployment.keyed(&deployment.app, "k", "/v1/auth/register", &other).await;
    assert_eq!(problem(&(refused.0, refused.1)), (409, "email_taken"), "a stranger learns nothing of the key");
    assert_eq!(ask_as(&elsewhere, &tokens, "GET", "/v1/me").await.0, 200);
}

#[tokio::test]
async fn who_signs_in_twice_under_one_key_has_one_session_until_its_tokens_are_exchanged() {
    let deployment = Deployment::new().await;
    deployment.ada().await;
    let body = json!({ "email": "ada@example.com", "password": "analytical engine" });
    let sign_in = async |body: &Value| deployment.keyed(&deployment.app, "k", "/v1/auth/login", body).await;
    let (status, tokens, is_replay) = sign_in(&body).await;
    assert_eq!((status, is_replay), (200, false));
    assert_eq!(sign_in(&body).await, (200, tokens.clone(), true));
    assert_eq!(deployment.count("sessions").await, 2, "that of the registration, and one");
    let wrong = sign_in(&json!({ "email": "ada@example.com", "password": "wrong" })).await;
    assert_eq!(problem(&(wrong.0, wrong.1)), (401, "wrong_credentials"));

    let (status, next) = deployment.refresh(&tokens["refresh_token"]).await;
    assert_eq!(status, 200, "{next}");
    let gone = sign_in(&body).await;
    assert_eq!(problem(&(gone.0, gone.1)), (410, "no_longer_kept"), "an old pair would end the session");
    assert_eq!(ask_as(&deployment.app, &next, "GET", "/v1/me").await.0, 200);
}

#[tokio::test]
async fn of_the_same_registrations_at_once_all_get_the_same_tokens() {
    let deployment = Deployment::new().await;
    let (body, elsewhere) = (ada(), deployment.another_instance());
    let both = futures::future::join(
        deployment.keyed(&deployment.app, "k", "/v1/auth/register", &body),
        deployment.keyed(&elsewhere, "k", "/v1/auth/register", &body),
    );
    // Whoever comes second waits for their turn to be hashed.
    let mut both = std::pin::pin!(both);
    let (one, two) = loop {
        match tokio::time::timeout(Duration::from_millis(5), both.as_mut()).await {
            Ok(answers) => break answers,
            Err(_) => deployment.fakes.clock.advance(Duration::from_millis(10)),
        }
    };
    assert_eq!((one.0, &one.1), (201, &two.1));
    assert_eq!((deployment.count("users").await, deployment.count("sessions").await), (1, 1));
}

#[tokio::test]
async fn who_registers_twice_where_addresses_are_verified_gets_one_letter() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("require_verified_email", "true");
    let register = async || deployment.keyed(&deployment.app, "k", "/v1/auth/register", &ada()).await;
    let (status, waiting, is_replay) = register().await;
    assert_eq!((status, is_replay), (202, false));
    assert_eq!(register().await, (202, waiting, true));
    assert_eq!(deployment.count("notices").await, 1);
}

#[tokio::test]
async fn an_invitation_is_made_once_and_told_until_it_is_used() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    let bearer = format!("Bearer {}", owner["access_token"].as_str().unwrap());
    let invite = async || {
        let request = Request::post("/v1/auth/invitations").header("authorization", &bearer);
        let request = request.header("content-type", "application/json").header("idempotency-key", "k");
        ask(&deployment.app, request, json!({ "email": "bob@example.com", "role": "member" }).to_string()).await
    };
    let (status, invitation) = invite().await;
    assert_eq!(status, 201, "{invitation}");
    assert_eq!(invite().await, (201, invitation.clone()));
    assert_eq!(deployment.count("account_tokens").await, 1);
    let bob = json!({ "email": "bob@example.com", "password": "difference engine", "invitation": invitation["token"] });
    let (status, tokens, _) = deployment.keyed(&deployment.app, "b", "/v1/auth/register", &bob).await;
    assert_eq!(status, 201, "{tokens}");
    // The invitation is used up, by this very request.
    assert_eq!(deployment.keyed(&deployment.app, "b", "/v1/auth/register", &bob).await, (201, tokens, true));
    assert_eq!(problem(&invite().await), (410, "no_longer_kept"));
}
