//! Faults that are asked for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::mysql;
use crate::support::{Devhost, until};

#[tokio::test]
async fn an_instance_dies_while_it_serves_its_second_request() -> Result<()> {
    let devhost = Devhost::start(&["--strict", "--fault", "kill-instance-after=2"])?;
    let first = devhost.client().get(devhost.url("/probe/wait-for-order/first"));
    let first = tokio::spawn(first.send());
    until(|| async { Ok(devhost.log("probe_stdout.txt")?.contains("first waits")) }).await?;
    // A request that comes before the first waits gets another instance. One of them is the second on the same.
    until(|| async { devhost.get("/probe/instance").await.map(|_| first.is_finished()) }).await?;
    assert_eq!(first.await??.status(), 500);
    let serves = || async { Ok(devhost.get("/probe/instance").await?.text().await? == "1") };
    until(serves).await.context("no other instance serves")?;
    devhost.says("killed while it served its request number 2").await?;
    assert!(!devhost.stderr().contains("devhost: strict"), "a fault is no violation");
    Ok(())
}

#[tokio::test]
async fn every_request_can_have_a_fresh_instance() -> Result<()> {
    let devhost = Devhost::start(&["--fault", "fresh-instances"])?;
    for _ in 0..3 {
        assert_eq!(devhost.probe("instance").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn host_calls_can_be_slow() -> Result<()> {
    let devhost = Devhost::start(&["--fault", "host-latency-ms=150"])?;
    let begun = Instant::now();
    devhost.probe("instance").await?;
    assert!(begun.elapsed() < Duration::from_millis(150));
    devhost.probe("key-value/default/set/a/1").await?;
    assert!(begun.elapsed() >= Duration::from_millis(300), "open and set are a call each");
    Ok(())
}

#[tokio::test]
async fn database_connections_can_be_cut() -> Result<()> {
    let database = mysql::start("cut", &["--fault", "drop-database-every=2"]).await?;
    let devhost = &database.devhost;
    let outcome = async || devhost.ask("mysql/execute", "DO 1").await;
    assert!(outcome().await?.is_null());
    let cut = outcome().await?;
    assert!(cut["error"].as_str().unwrap().contains("QueryFailed"), "{cut}");
    assert!(outcome().await?.is_null());
    Ok(())
}
