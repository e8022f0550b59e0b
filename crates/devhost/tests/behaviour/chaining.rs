//! Calls between components and out into the network.

use anyhow::Result;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::Devhost;

#[tokio::test]
async fn a_chained_call_arrives_as_spin_delivers_it() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let request = devhost.client().post(devhost.url("/probe/fetch")).header("x-correlation-id", "c1");
    let url = "http://private.spin.internal/probe/headers?x=1";
    let answer: Value = request.body(url).send().await?.json().await?;
    assert_eq!(answer["status"], 200);

    let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap())?;
    assert_eq!(seen["uri"], url);
    for pair in [
        ["x-correlation-id", "c1"],
        ["spin-client-addr", "0.0.0.0:0"],
        ["spin-full-url", "http://localhost/probe/headers?x=1"],
        ["spin-path-info", "/probe/headers"],
        ["spin-matched-route", "/..."],
    ] {
        assert!(seen["headers"].as_array().unwrap().contains(&json!(pair)), "{pair:?} in {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn a_trap_of_the_callee_is_a_500_for_the_caller() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let answer = devhost.ask("fetch", "http://private.spin.internal/probe/panic").await?;
    assert_eq!(answer, json!({ "status": 500, "body": "" }));
    Ok(())
}

#[tokio::test]
async fn chaining_to_a_component_without_a_trigger_traps_the_caller() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let request = devhost.client().post(devhost.url("/probe/fetch")).body("http://without-trigger.spin.internal/");
    let failed = request.send().await?;
    assert_eq!((failed.status().as_u16(), failed.text().await?), (500, String::new()));
    devhost.says("unknown component ID \"without-trigger\"").await
}

#[tokio::test]
async fn what_is_not_allowed_is_denied() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    for url in ["http://probe.spin.internal/", "http://127.0.0.1:1/", "https://example.com/"] {
        let answer = devhost.ask("fetch", url).await?;
        assert_eq!(answer["error"], "ErrorCode::HttpRequestDenied", "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn a_component_can_call_its_own_application_over_the_network() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let answer = devhost.ask("fetch", "http://self.alt/teapot").await?;
    assert_eq!(answer, json!({ "status": 418, "body": "short and stout" }));
    Ok(())
}

/// A server that answers its first connection with the given bytes, once the request is there.
async fn fake(answer: &'static str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        stream.write_all(answer.as_bytes()).await?;
        // Keeps the connection open, with nothing more to say.
        stream.read_to_end(&mut request).await
    });
    Ok(url)
}

#[tokio::test]
async fn an_outside_server_is_reached_when_it_is_allowed() -> Result<()> {
    let url = fake("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").await?;
    let devhost = Devhost::start(&["--variable", &format!("fake={url}")])?;
    assert_eq!(devhost.ask("fetch", &url).await?, json!({ "status": 201, "body": "ok" }));
    Ok(())
}

#[tokio::test]
async fn what_fails_outside_has_its_own_error_code() -> Result<()> {
    let url = fake("").await?;
    let devhost = Devhost::start(&["--variable", &format!("fake={url}")])?;
    let slow = devhost.ask("fetch-slowly/200", &url).await?;
    assert_eq!(slow["error"], "ErrorCode::ConnectionReadTimeout");

    let refused = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", refused.local_addr()?);
    drop(refused);
    let devhost = Devhost::start(&["--variable", &format!("fake={url}")])?;
    assert_eq!(devhost.ask("fetch", &url).await?["error"], "ErrorCode::ConnectionRefused");
    Ok(())
}
