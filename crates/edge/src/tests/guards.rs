//! Who gets in, and who does not.

use auth::{Principal, Role, testing};
use host::fake::{TestDatabase, sqlite_database};

use super::*;

async fn ask_as(app: &App, method: &str, path: &str, authorization: &str) -> Answer {
    ask(app, Request::builder().method(method).uri(path).header("authorization", authorization), "").await
}

async fn deployment() -> (TestDatabase, Fakes, App) {
    let database = sqlite_database().await;
    let fakes = Fakes::new(database.sql.clone());
    let app = routes().build(&fakes.host, fakes.host.clone());
    (database, fakes, app)
}

#[tokio::test]
async fn every_route_lists_what_it_needs() {
    let app = app_without_database();
    let lines: Vec<String> = app.routes().iter().map(|route| route.to_string()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn a_route_admits_those_who_hold_its_permission() {
    let (_database, fakes, app) = deployment().await;
    for (role, status) in [(Role::Viewer, 403), (Role::Member, 204), (Role::Owner, 204), (Role::Admin, 204)] {
        let caller = testing::sign_in(&fakes.host, role).await;
        assert_eq!(ask_as(&app, "GET", "/me", &caller.authorization).await.body, format!("a {role}"));
        let answer = ask_as(&app, "POST", "/conversations", &caller.authorization).await;
        assert_eq!(answer.status.as_u16(), status, "{role}");
    }
    let viewer = testing::sign_in(&fakes.host, Role::Viewer).await;
    let refused = ask_as(&app, "POST", "/conversations", &viewer.authorization).await;
    assert_eq!(refused.json()["detail"], "This needs the permission conversations:write, which you do not hold.");
}

#[tokio::test]
async fn who_does_not_say_who_they_are_is_asked_to() {
    let app = app_without_database();
    let nobody = get(&app, "/me").await;
    assert_eq!((nobody.status.as_u16(), nobody.code().as_str()), (401, "unauthenticated"));
    assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"kowai\"");
    for authorization in ["", "Bearer", "Basic YTpi", "bearertoken", "Bearer\tx"] {
        let answer = ask_as(&app, "GET", "/me", authorization).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"), "{authorization}");
    }
    let twice = Request::get("/me").header("authorization", "Bearer a").header("authorization", "Bearer b");
    assert_eq!(ask(&app, twice, "").await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_forged_or_expired_token_does_not_cost_a_query() {
    let fakes = Fakes::without_database();
    fakes.variables.set("auth_secret", "a secret of more than thirty-two bytes");
    let app = app(&fakes);
    let host = &fakes.host;
    let somebody = Principal {
        user: host.new_id(),
        email: "ada@example.com".to_owned(),
        name: "Ada".to_owned(),
        workspace: host.new_id(),
        workspace_name: "Ada".to_owned(),
        session: host.new_id(),
        roles: vec![Role::Admin],
        permissions: auth::Permissions::of(&[Role::Admin]),
    };
    let expired = testing::authorization(host, &somebody, host.now()).await;
    let answer = ask_as(&app, "GET", "/me", &expired).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "token_expired"));
    let valid = testing::authorization(host, &somebody, host.now() + Duration::from_secs(60)).await;
    for forged in
        [valid.replace("Bearer e", "Bearer f"), format!("{valid}x"), format!("Bearer {}", "x".repeat(100_000))]
    {
        let answer = ask_as(&app, "GET", "/me", &forged).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "invalid_token"));
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"kowai\", error=\"invalid_token\"");
    }
    // Only this one is worth asking the database for, and there is none.
    assert_eq!(ask_as(&app, "GET", "/me", &valid).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_public_route_does_not_look_at_tokens() {
    let answer = ask_as(&app_without_database(), "GET", "/hello", "Bearer nonsense").await;
    assert_eq!(answer.body, "hello");
}

#[tokio::test]
async fn a_component_says_for_which_workspace_it_calls() {
    let app = app_without_database();
    let workspace = "ws_019ab6a2c40070008000000000000000";
    let request = |workspace: &str| Request::get("/internal").header("x-kowai-workspace", workspace);
    assert_eq!(ask(&app, request(workspace), "").await.body, workspace);
    for hostile in ["", "ws_", "' OR 1=1", "user_019ab6a2c40070008000000000000000"] {
        assert_eq!(ask(&app, request(hostile), "").await.code(), "workspace_missing", "{hostile}");
    }
}

#[tokio::test]
async fn a_handler_that_uses_the_database_waits_until_it_is_there() {
    let fakes = Fakes::without_database();
    let app = routes().build(&fakes.host, fakes.host.clone());
    assert_eq!(get(&app, "/hello").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_secret_that_is_too_short_lets_nobody_in() {
    let fakes = Fakes::without_database();
    fakes.variables.set("auth_secret", "short");
    let answer = ask_as(&app(&fakes), "GET", "/me", "Bearer x").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "misconfigured"));
    assert!(!answer.body.contains("auth_secret"), "{}", answer.body);
}
