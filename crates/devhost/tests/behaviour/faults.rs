//! Faults that are asked for.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::mysql;
use crate::support::Devhost;

#[tokio::test]
async fn an_instance_dies_while_it_serves_its_second_request() -> Result<()> {
    let devhost = Devhost::start(&["--strict", "--fault", "kill-instance-after=2"])?;
    let (first, second) = tokio::join!(devhost.get("/probe/sleep/1000"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        devhost.get("/probe/sleep/1000").await
    });
    assert_eq!((first?.status().as_u16(), second?.status().as_u16()), (500, 500));
    assert_eq!(devhost.probe("instance").await?, 1, "the next instance serves");
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
