//! Requests and responses.

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::support::Devhost;

fn values(seen: &Value, name: &str) -> Vec<String> {
    let pairs = seen["headers"].as_array().expect("the probe lists headers");
    let named = pairs.iter().filter(|pair| pair[0] == name);
    named.map(|pair| pair[1].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_component_sees_the_route_and_the_client_in_headers() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let request = devhost.client().get(devhost.url("/users/7/probe/headers?x=1")).header("connection", "keep-alive");
    let seen: Value = request.send().await?.json().await?;

    assert_eq!(seen["uri"], devhost.url("/users/7/probe/headers?x=1"));
    assert_eq!(values(&seen, "host"), [devhost.address()]);
    assert_eq!(values(&seen, "connection"), [""; 0]);
    assert_eq!(values(&seen, "spin-path-match-user-id"), ["7"]);
    assert_eq!(values(&seen, "spin-path-info"), ["/headers"]);
    assert_eq!(values(&seen, "spin-matched-route"), ["/users/:user_id/probe/..."]);
    assert_eq!(values(&seen, "spin-component-route"), ["/users/:user_id/probe"]);
    assert_eq!(values(&seen, "spin-full-url"), [devhost.url("/users/7/probe/headers?x=1")]);
    assert!(values(&seen, "spin-client-addr")[0].starts_with("127.0.0.1:"));
    Ok(())
}

#[tokio::test]
async fn a_forged_spin_header_comes_before_the_real_one() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let request = devhost.client().get(devhost.url("/probe/headers")).header("spin-client-addr", "1.2.3.4");
    let seen: Value = request.send().await?.json().await?;
    let addresses = values(&seen, "spin-client-addr");
    assert_eq!((addresses.len(), &*addresses[0]), (2, "1.2.3.4"));
    Ok(())
}

#[tokio::test]
async fn bodies_stream_both_ways() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let megabyte = "0123456789abcdef".repeat(65_536);
    let echoed = devhost.client().post(devhost.url("/probe/echo")).body(megabyte.clone()).send().await?;
    assert!(echoed.text().await? == megabyte);

    let mut chunks = devhost.get("/probe/stream/3/200").await?.bytes_stream();
    let begun = std::time::Instant::now();
    assert_eq!(chunks.try_next().await?.unwrap(), "chunk 0\n");
    assert!(begun.elapsed().as_millis() < 200, "the first chunk does not wait for the last");
    assert_eq!(chunks.try_collect::<Vec<_>>().await?.concat(), b"chunk 1\nchunk 2\n");
    Ok(())
}

#[tokio::test]
async fn a_component_notices_that_the_client_left() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let mut chunks = devhost.get("/probe/stream/10000/5").await?.bytes_stream();
    chunks.try_next().await?;
    drop(chunks);
    crate::support::until(|| async { Ok(devhost.log("probe_stdout.txt")?.contains("the client left")) }).await
}

#[tokio::test]
async fn the_host_answers_what_is_its_own() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let teapot = devhost.get("/teapot").await?;
    assert_eq!((teapot.status().as_u16(), teapot.headers()["x-tea"].to_str()?), (418, "green"));
    assert_eq!(teapot.text().await?, "short and stout");

    assert_eq!(devhost.get("/.well-known/spin/health").await?.text().await?, "OK");
    let info: Value = devhost.get("/.well-known/spin/info").await?.json().await?;
    assert_eq!(info, json!({ "name": "fixtures", "version": "1.2.3" }));

    let nobody = devhost.get("/nobody").await?;
    assert_eq!((nobody.status().as_u16(), nobody.text().await?), (404, String::new()));
    Ok(())
}

#[tokio::test]
async fn a_private_component_cannot_be_reached_from_outside() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let request = devhost.client().get(devhost.url("/probe/headers")).header("host", "private.spin.internal");
    assert!(request.send().await.is_err(), "the connection is closed without an answer");
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_component_is_an_empty_500_for_that_request_alone() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let (slow, failed) = tokio::join!(devhost.probe("sleep/300"), devhost.get("/probe/error"));
    let failed = failed?;
    assert_eq!((failed.status().as_u16(), failed.text().await?), (500, String::new()));
    slow?;
    Ok(())
}
