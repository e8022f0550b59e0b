//! Signing up, in, on and out.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::{Application, Client, PASSWORD, email};

async fn sign_in(client: &Client, name: &str) -> Result<Value> {
    let credentials = json!({"email": email(name), "password": PASSWORD});
    Ok(client.post("/v1/auth/login", &credentials).await?.expect(200))
}

#[tokio::test]
async fn somebody_registers_signs_in_and_is_known() -> Result<()> {
    let application = Application::start().await?;
    let client = application.client();
    let account = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    let registered = client.post("/v1/auth/register", &account).await?.expect(201);
    assert_eq!(registered["token_type"], "Bearer");
    let signed_in = sign_in(&client, "ada").await?;
    let ada = client.with_token(signed_in["access_token"].as_str().context("a token")?);
    let me = ada.get("/v1/me").await?.expect(200);
    assert_eq!((me["email"].as_str(), me["name"].as_str()), (Some("ada@example.com"), Some("Ada")));
    assert_eq!(me["id"], signed_in["user"]["id"]);
    assert!(me["permissions"].as_array().is_some_and(|all| all.contains(&json!("conversations:write"))), "{me}");
    assert_eq!(client.post("/v1/auth/register", &account).await?.status, 409);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_looks_like_an_unknown_email() -> Result<()> {
    let application = Application::start().await?;
    application.user("ada").await?;
    let client = application.client();
    let wrong = client.post("/v1/auth/login", &json!({"email": email("ada"), "password": "not her password"})).await?;
    let unknown =
        client.post("/v1/auth/login", &json!({"email": email("bob"), "password": "not her password"})).await?;
    let shown = |answer: &testkit::Answer| {
        let mut body = answer.json();
        body["correlation_id"] = Value::Null;
        (answer.status, body)
    };
    assert_eq!(wrong.status, 401);
    assert_eq!(shown(&wrong), shown(&unknown));
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() -> Result<()> {
    let application = Application::start().await?;
    application.user("ada").await?;
    let client = application.client();
    let first = sign_in(&client, "ada").await?;
    let refresh = |token: &Value| json!({"refresh_token": token});
    let second = client.post("/v1/auth/refresh", &refresh(&first["refresh_token"])).await?.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let reused = client.post("/v1/auth/refresh", &refresh(&first["refresh_token"])).await?;
    assert_eq!(reused.status, 401, "{}", reused.text());
    let after = client.post("/v1/auth/refresh", &refresh(&second["refresh_token"])).await?;
    assert_eq!(after.status, 401, "the whole family is revoked: {}", after.text());
    Ok(())
}

#[tokio::test]
async fn of_many_who_use_one_refresh_token_at_once_at_most_one_gets_in() -> Result<()> {
    let application = Application::start().await?;
    application.user("ada").await?;
    let client = application.client();
    let token = sign_in(&client, "ada").await?["refresh_token"].clone();
    let body = json!({"refresh_token": token});
    let answers = futures::future::join_all((0..16).map(|_| client.post("/v1/auth/refresh", &body))).await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.map(|it| it.status)).collect::<Result<_>>()?;
    assert!(statuses.iter().filter(|status| **status == 200).count() <= 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 401)), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn who_signs_out_is_out_and_cannot_refresh() -> Result<()> {
    let application = Application::start().await?;
    application.user("ada").await?;
    let client = application.client();
    let session = sign_in(&client, "ada").await?;
    let ada = client.with_token(session["access_token"].as_str().context("a token")?);
    let left = ada.post("/v1/auth/logout", &json!({})).await?;
    assert_eq!(left.status, 204, "{}", left.text());
    let refreshed = client.post("/v1/auth/refresh", &json!({"refresh_token": session["refresh_token"]})).await?;
    assert_eq!(refreshed.status, 401);
    Ok(())
}

#[tokio::test]
async fn only_tokens_that_we_signed_for_now_are_accepted() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let token = ada.token().context("a token")?.to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1])?)?;
    claims["roles"] = json!(["admin"]);
    let none = encode(&json!({"alg": "none", "typ": "JWT"}));
    let forgeries = [
        format!("{}.{}.{}", parts[0], encode(&claims), parts[2]),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.{}", encode(&json!({"alg": "RS256", "typ": "JWT"})), parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        token.replace('.', ".."),
        "a.b.c".to_owned(),
        "x".repeat(10_000),
    ];
    for forgery in forgeries {
        let answer = application.client().with_token(forgery.as_str()).get("/v1/me").await?;
        assert_eq!(answer.status, 401, "{forgery}: {}", answer.text());
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{:?}", answer.headers);
    }
    assert_eq!(application.client().get("/v1/me").await?.status, 401);
    assert_eq!(ada.get("/v1/me").await?.status, 200);
    assert!(!application.logs()?.contains(&token), "tokens are never logged");
    Ok(())
}
