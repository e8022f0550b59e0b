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
        email_verified: false,
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

/// A request as another component sends it.
fn chained(path: &str, call: &Call, fakes: &Fakes) -> http::request::Builder {
    let mut request = Request::get(path);
    *request.headers_mut().unwrap() = host::fake::chained(call, fakes.host.now());
    request
}

#[tokio::test]
async fn a_component_says_on_whose_behalf_it_calls_and_how_long_it_waits() {
    let fakes = Fakes::without_database();
    let host = &fakes.host;
    let call = host.begin_call(host.new_id(), Some(host.new_id()), Duration::from_secs(20));
    let answer = ask(&app(&fakes), chained("/internal", &call, &fakes), "").await;
    let earlier = host.now() + Duration::from_millis(19_500);
    assert_eq!(answer.body, shown(&Call { deadline: earlier, ..call.clone() }));
    let without = chained("/internal", &call, &fakes).header("x-kowai-workspace", "ws_");
    let refused = ask(&app(&fakes), without, "").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "call_incomplete"));
    assert!(refused.json()["detail"].as_str().unwrap().contains("x-kowai-workspace"), "{}", refused.body);
}

#[tokio::test]
async fn a_client_cannot_pose_as_a_component() {
    let fakes = Fakes::without_database();
    let host = &fakes.host;
    let call = host.begin_call(host.new_id(), None, Duration::from_secs(20));
    for address in [Some("192.0.2.7:4711"), None] {
        let mut request = chained("/internal", &call, &fakes);
        let headers = request.headers_mut().unwrap();
        match address {
            // Spin's own value comes after what the client says.
            Some(address) => _ = headers.append("spin-client-addr", address.parse().unwrap()),
            None => _ = headers.remove("spin-client-addr"),
        }
        assert_eq!(ask(&app(&fakes), request, "").await.code(), "call_incomplete");
    }
}

#[tokio::test]
async fn what_a_caller_does_is_done_for_their_own_workspace_whatever_their_headers_say() {
    let (_database, fakes, app) = deployment().await;
    let caller = testing::sign_in(&fakes.host, Role::Member).await;
    let ours = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let request = Request::get("/call")
        .header("authorization", &caller.authorization)
        .header("x-request-id", "request-1")
        .header("x-kowai-workspace", "ws_019ab6a2c40070008000000000000000")
        .header("x-kowai-timeout-ms", "1")
        .header("x-kowai-trace", ours);
    let answer = ask(&app, request, "").await;
    let until = fakes.host.now() + Duration::from_secs(60);
    let (workspace, user) = (caller.principal.workspace, caller.principal.user);
    assert_eq!(answer.body, format!("{workspace} {user} request-1 until {until}"));
    let forged = ask(&app, Request::get("/trace").header("x-kowai-trace", ours), "").await;
    assert!(!forged.body.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{}", forged.body);
    let continued = ask(&app, Request::get("/trace").header("traceparent", ours), "").await;
    assert!(continued.body.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{}", continued.body);
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
