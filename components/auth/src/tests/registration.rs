//! Who may open an account, and with which address and password.

use super::*;

#[tokio::test]
async fn registration_is_open_only_where_nothing_can_be_spent_or_as_it_is_set() {
    let deployment = Deployment::new().await;
    let mode = async || ask(&deployment.app, Request::get("/v1/auth/registration"), "").await.1["registration"].clone();
    assert_eq!(mode().await, "open");
    deployment.fakes.variables.set("openai_url", "https://api.openai.com");
    assert_eq!(mode().await, "closed");
    assert_eq!(problem(&deployment.post("/v1/auth/register", ada()).await), (403, "registration_closed"));
    deployment.fakes.variables.set("registration", "open");
    assert_eq!(deployment.post("/v1/auth/register", ada()).await.0, 201);
    deployment.fakes.variables.set("registration", "sometimes");
    assert_eq!(problem(&deployment.post("/v1/auth/register", ada()).await), (500, "misconfigured"));
}

#[tokio::test]
async fn who_is_invited_joins_the_workspace_once() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    deployment.fakes.variables.set("registration", "invite");
    let invite = async |body: Value| send_as(&deployment.app, &owner, "POST", "/v1/auth/invitations", body).await;
    let (status, invitation) = invite(json!({ "email": "Bob@example.com", "role": "member" })).await;
    assert_eq!(status, 201, "{invitation}");
    let register = async |email: &str, token: &Value| {
        let body = json!({ "email": email, "password": "difference engine", "invitation": token });
        deployment.post("/v1/auth/register", body).await
    };
    let uninvited = json!({ "email": "eve@example.com", "password": "difference engine" });
    assert_eq!(problem(&deployment.post("/v1/auth/register", uninvited).await), (403, "invitation_required"));
    let token = &invitation["token"];
    assert_eq!(problem(&register("eve@example.com", token).await), (422, "invalid_account_token"));
    let (status, bob) = register("bob@example.com", token).await;
    assert_eq!((status, &bob["user"]["roles"]), (201, &json!(["member"])), "{bob}");
    assert_eq!(bob["user"]["workspace"], owner["user"]["workspace"]);
    assert_eq!(problem(&register("bobby@example.com", token).await), (422, "invalid_account_token"));
    assert_eq!(problem(&register("eve@example.com", &json!("kowa_nonsense")).await), (422, "invalid_account_token"));

    let (_, for_anybody) = invite(json!({ "role": "viewer" })).await;
    deployment.fakes.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(problem(&register("eve@example.com", &for_anybody["token"]).await), (422, "invalid_account_token"));
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    let deployment = Deployment::new().await;
    let owner = deployment.ada().await;
    let invite = async |tokens: &Value, role: &str| {
        send_as(&deployment.app, tokens, "POST", "/v1/auth/invitations", json!({ "role": role })).await
    };
    assert_eq!(problem(&invite(&owner, "admin").await), (403, "forbidden"));
    assert_eq!(problem(&invite(&owner, "emperor").await), (422, "invalid_request"));
    let (_, invitation) = invite(&owner, "member").await;
    let body =
        json!({ "email": "bob@example.com", "password": "difference engine", "invitation": invitation["token"] });
    let (_, member) = deployment.post("/v1/auth/register", body).await;
    assert_eq!(problem(&invite(&member, "viewer").await), (403, "forbidden"));
}

#[tokio::test]
async fn one_mailbox_has_one_account() {
    let deployment = Deployment::new().await;
    for (first, again) in [
        ("jos\u{e9}@example.com", "jose\u{301}@example.com"),
        ("x@b\u{fc}cher.example", "x@xn--bcher-kva.example"),
        ("z@example.com", "z@example.com."),
        ("y@example.com", "y@example\u{ff0e}com"),
    ] {
        let body = |email: &str| json!({ "email": email, "password": "difference engine" });
        assert_eq!(deployment.post("/v1/auth/register", body(first)).await.0, 201);
        let answer = deployment.post("/v1/auth/register", body(again)).await;
        assert_eq!(problem(&answer), (409, "email_taken"), "{again}");
        assert_eq!(deployment.post("/v1/auth/login", body(again)).await.0, 200);
    }
    for hidden in ["a\u{200b}da@example.com", "ada@exam\u{ad}ple.com", "\u{440}\u{430}ypal@example.com"] {
        let body = json!({ "email": hidden, "password": "difference engine" });
        assert_eq!(problem(&deployment.post("/v1/auth/register", body).await), (422, "invalid_request"), "{hidden:?}");
    }
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let deployment = Deployment::new().await;
    let body = |password: &str| json!({ "email": "ada@example.com", "password": password });
    assert_eq!(deployment.post("/v1/auth/register", body("Caf\u{e9}-Pa\u{df}wort1")).await.0, 201);
    assert_eq!(deployment.post("/v1/auth/login", body("Cafe\u{301}-Pa\u{df}wort1")).await.0, 200);
}

#[tokio::test]
async fn where_addresses_are_verified_a_letter_comes_first_and_says_what_the_answer_does_not() {
    let deployment = Deployment::new().await;
    deployment.fakes.variables.set("require_verified_email", "true");
    deployment.fakes.variables.set("bootstrap_admin_email", "root@example.com");
    deployment.fakes.variables.set("bootstrap_admin_password", "keys to the kingdom");
    let waiting = (202, json!({ "status": "verification_required" }));
    assert_eq!(deployment.post("/v1/auth/register", ada()).await, waiting);
    assert_eq!(deployment.post("/v1/auth/register", ada()).await, waiting, "taken or not");
    let credentials: Value = serde_json::from_str(&ada_credentials()).unwrap();
    assert_eq!(problem(&deployment.post("/v1/auth/login", credentials.clone()).await), (403, "email_not_verified"));

    let root = json!({ "email": "root@example.com", "password": "keys to the kingdom" });
    let (status, admin) = deployment.post("/v1/auth/login", root).await;
    assert_eq!(status, 200, "the settings vouch for the administrator: {admin}");
    let (_, letters) = ask_as(&deployment.app, &admin, "GET", "/v1/auth/outbox").await;
    let kinds: Vec<&str> = letters["data"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["registration_attempt", "email_verification"]);
    let confirm = json!({ "token": letters["data"][1]["token"] });
    assert_eq!(deployment.post("/v1/auth/email-verification/confirm", confirm.clone()).await.0, 204);
    let again = deployment.post("/v1/auth/email-verification/confirm", confirm).await;
    assert_eq!(problem(&again), (422, "invalid_account_token"));
    let (status, tokens) = deployment.post("/v1/auth/login", credentials).await;
    assert_eq!((status, &tokens["user"]["email_verified"]), (200, &json!(true)));
}
