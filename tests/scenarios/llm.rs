//! Any OpenAI-compatible provider, by setting a URL and a key.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use scenarios::{open_conversation, say, text_of};
use serde_json::{Value, json};
use testkit::{Application, Setup};

const KEY: &str = "sk-a-key-that-nobody-else-may-see";

/// What the provider was asked, and with which headers.
type Asked = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A provider as OpenAI is one, on a port of its own.
async fn provider() -> Result<(String, Asked)> {
    let asked = Asked::default();
    let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(asked.clone());
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok((format!("http://{address}"), asked))
}

async fn complete(State(asked): State<Asked>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    asked.lock().expect("no test panics while it holds this").push((headers, request.clone()));
    let message = request["messages"]
        .as_array()
        .and_then(|all| all.last())
        .map(|it| it["content"].to_string())
        .unwrap_or_default();
    if message.contains("forbidden") {
        let error = json!({"error": {"message": "Incorrect API key provided: sk-a-key", "type": "invalid_request_error", "code": "invalid_api_key"}});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    if request["stream"] == true {
        let chunk = |delta: Value, finish: Value| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                   "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        };
        let mut body = String::new();
        for delta in [json!({"role": "assistant"}), json!({"content": "Grüße, "}), json!({"content": "Ada 👋"})] {
            body.push_str(&format!("data: {}\n\n", chunk(delta, Value::Null)));
        }
        body.push_str(&format!("data: {}\n\n", chunk(json!({}), json!("stop"))));
        if !message.contains("vanish") {
            body.push_str("data: [DONE]\n\n");
        } else {
            body.truncate(body.len() / 2);
        }
        return ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response();
    }
    Json(json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüße, Ada 👋"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}))
    .into_response()
}

async fn start() -> Result<(Application, Asked)> {
    let (url, asked) = provider().await?;
    let setup = Setup::default()
        .variable("openai_url", url)
        .variable("openai_api_key", KEY)
        .variable("openai_model", "gpt-test")
        .variable("default_model", "gpt-test");
    Ok((Application::start_with(setup).await?, asked))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_used_by_setting_a_url_and_a_key() -> Result<()> {
    let (application, asked) = start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Provider").await?;
    let answer = say(&ada, &conversation, "Hello").await?;
    assert_eq!(answer["assistant_message"]["content"], "Grüße, Ada 👋");
    let events = ada
        .post_events(&format!("{conversation}/messages"), &json!({"content": "And again", "stream": true}))
        .await?
        .rest()
        .await?;
    assert_eq!(text_of(&events), "Grüße, Ada 👋");
    let asked = asked.lock().expect("no test panics while it holds this").clone();
    let (headers, request) = asked.last().context("the provider was asked")?;
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(request["model"], "gpt-test");
    let said: Vec<&Value> = request["messages"].as_array().into_iter().flatten().map(|it| &it["content"]).collect();
    assert_eq!(said[said.len() - 3..], [&json!("Hello"), &json!("Grüße, Ada 👋"), &json!("And again")]);
    assert!(!application.logs()?.contains(KEY) && !application.host_log().contains(KEY));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_refuses_our_key_is_our_problem_and_tells_nobody_the_key() -> Result<()> {
    let (application, _) = start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Refused").await?;
    let refused =
        ada.post(&format!("{conversation}/messages"), &json!({"content": "forbidden", "stream": false})).await?;
    assert_eq!((refused.status, &*refused.problem()), (500, "model_auth_failed"), "{}", refused.text());
    // The provider repeats part of the key, which neither the caller nor the log gets.
    assert!(!refused.text().contains("sk-a-key") && !application.logs()?.contains("sk-a-key"), "{}", refused.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_stream_vanishes_does_not_look_complete() -> Result<()> {
    let (application, _) = start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Vanishing").await?;
    let body = json!({"content": "vanish", "stream": true});
    let events = ada.post_events(&format!("{conversation}/messages"), &body).await?.rest().await?;
    assert_eq!(events.last().map(|event| event.name.as_str()), Some("message.failed"));
    Ok(())
}

#[tokio::test]
async fn the_gateway_cannot_be_reached_from_outside() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    assert_eq!(ada.get("/llm").await?.status, 404);
    // Spin takes the name of a component away from who is not one, and closes the connection of a request without a host.
    let request = |host: &str| {
        let asked = json!({"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]});
        ada.request(reqwest::Method::POST, "/v1/chat/completions").header("host", host.to_owned()).json(&asked)
    };
    assert_eq!(testkit::send(request("example.com")).await?.status, 404);
    assert!(testkit::send(request("llm.spin.internal")).await.is_err());
    Ok(())
}
