//! Who reads a response: somebody who leaves, and somebody who was called for the answer's sake.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use reqwest::Method;
use scenarios::open_conversation;
use serde_json::json;
use testkit::{
    Application, Setup,
    provider::{Act, Asked, Provider},
};

/// How long something is waited for that should be there within 200 ms, on a machine that does much else.
const SOON: Duration = Duration::from_secs(3);

/// Three tokens, and then silence for ever.
fn three_tokens_and_silence(_: &Asked) -> Vec<Act> {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    for token in ["one ", "two ", "three "] {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"content": token}, "finish_reason": null}]});
        bytes.extend(format!("data: {chunk}\n\n").into_bytes());
    }
    vec![Act::Send(bytes), Act::Hold]
}

/// The conversation calls `llm`, which reads from the provider: when the conversation lets go of its response, `llm` has nothing to
/// write that would tell it so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_provider_is_let_go_when_its_answer_is_cancelled() -> Result<()> {
    let provider = Provider::start(three_tokens_and_silence).await?;
    let setup = Setup::default()
        .variable("openai_url", provider.url())
        .variable("openai_model", "m")
        .variable("default_model", "m");
    let application = Application::start_with(setup).await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Silence").await?;
    let body = json!({"content": "wait", "stream": true});
    let mut events = ada.post_events(&format!("{conversation}/messages"), &body).await?;
    let started = events.next().await?.context("the answer begins")?;
    let delta = events.next().await?.context("something is said")?;
    ensure!(delta.name == "message.delta", "{}", delta.raw);
    let id = started.json()["assistant_message"]["id"].as_str().context("the answer has an id")?.to_owned();
    // The provider is silent by now, for longer than anybody looks whether a reader is there.
    tokio::time::sleep(Duration::from_millis(500)).await;
    ada.post(&format!("{conversation}/messages/{id}/cancel"), &json!({})).await?.expect(200);
    let cancelled = Instant::now();
    let closed = provider.until_closed_by_client("wait").await?;
    let took = closed.saturating_duration_since(cancelled);
    ensure!(took < SOON, "the provider's connection stays open for {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_silent_response_is_let_go_when_its_client_leaves() -> Result<()> {
    let application = Application::start().await?;
    let response = application.client().request(Method::GET, "/spawner/silent").send().await?;
    let mut body = response.bytes_stream();
    ensure!(body.next().await.context("it begins")?? == "listen\n");
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(!is_let_go(&application)?, "its client is still there");
    drop(body);
    let left = Instant::now();
    while !is_let_go(&application)? {
        ensure!(left.elapsed() < SOON, "nobody notices that the client has left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn is_let_go(application: &Application) -> Result<bool> {
    Ok(application.logs()?.contains("a silent response was let go"))
}

#[tokio::test]
async fn whoever_opens_the_address_finds_a_page_and_a_path_of_nobody_is_a_problem() -> Result<()> {
    let application = Application::start().await?;
    let client = application.client();
    for path in ["/", "/docs"] {
        let page = client.get(path).await?;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
    }
    assert_eq!(client.get("/docs/style.css").await?.status, 200);
    for path in ["/nothing", "/v1/nothing", "/v1", "/v1/me/x", "/healthy"] {
        let answer = client.get(path).await?;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"), "{path}");
    }
    // The longest route counts: these are still served by those whose they are.
    assert_eq!(client.get("/health/live").await?.status, 200);
    assert_eq!(client.get("/v1/me").await?.status, 401);
    assert_eq!(client.get("/v1/conversations").await?.status, 401);
    assert_eq!(client.get("/hello").await?.status, 200);
    Ok(())
}
