//! How instances are shared, reused and lost.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use futures::future::join_all;

use crate::support::{Devhost, until};

#[tokio::test]
async fn an_instance_is_reused_until_its_count_is_reached() -> Result<()> {
    let devhost = Devhost::start(&["--max-instance-reuse-count", "3", "--idle-instance-timeout", "60s"])?;
    let mut counted = Vec::new();
    for _ in 0..5 {
        counted.push(devhost.probe("instance").await?.as_u64().unwrap());
    }
    assert_eq!(counted, [1, 2, 3, 1, 2]);
    Ok(())
}

#[tokio::test]
async fn an_idle_instance_is_thrown_away() -> Result<()> {
    let devhost = Devhost::start(&["--idle-instance-timeout", "1ms"])?;
    devhost.probe("instance").await?;
    until(|| async { Ok(devhost.probe("instance").await? == 1) }).await
}

#[tokio::test]
async fn a_trap_takes_everybody_on_its_instance_along_and_nobody_else() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let mut waiting = Vec::new();
    // A request that comes before the one ahead of it waits gets an instance of its own, on Spin too. So more and more come,
    // until three share one.
    let (crowded, instances) = loop {
        ensure!(waiting.len() < 50, "no instance takes more than one request at a time");
        let name = format!("guest-{}", waiting.len());
        let request = devhost.client().get(devhost.url(&format!("/probe/wait-for-order/{name}")));
        let answer = tokio::spawn(async move {
            let response = request.send().await?;
            anyhow::Ok((response.status().as_u16(), response.text().await?))
        });
        waiting.push((name, answer));
        until(|| async { Ok(instances(&devhost)?.len() == waiting.len()) }).await?;
        let instances = instances(&devhost)?;
        let together = |first: &String| instances.values().filter(|other| *other == first).count();
        if let Some(crowded) = instances.values().find(|first| together(first) == 3) {
            break (crowded.clone(), instances);
        }
    };
    // Whoever carries the order may be on that instance, too, and share its fate.
    devhost.get(&format!("/probe/key-value/default/set/order/{crowded}")).await?;
    devhost.says("worker failed").await?;
    devhost.probe("key-value/default/set/order/answer").await?;
    for (name, answer) in waiting {
        let first = &instances[&name];
        let expected = if *first == crowded { (500, String::new()) } else { (200, format!("\"{first}\"")) };
        assert_eq!(answer.await??, expected, "{name} on the instance of {first}");
    }
    assert!(devhost.log("probe_stderr.txt")?.contains("as ordered"));
    Ok(())
}

/// Everybody who waits for an order, with whoever was the first to wait on the same instance.
fn instances(devhost: &Devhost) -> Result<BTreeMap<String, String>> {
    let log = devhost.log("probe_stdout.txt")?;
    let pairs = log.lines().filter_map(|line| line.split_once(" waits on the instance of "));
    Ok(pairs.map(|(name, first)| (name.to_owned(), first.to_owned())).collect())
}

#[tokio::test]
async fn a_trap_ends_a_chunked_stream_as_if_it_were_complete() -> Result<()> {
    // So does real Spin: wasmtime's body takes the end of an instance for the end of its stream.
    let devhost = Devhost::start(&[])?;
    let response = devhost.get("/probe/stream-then-panic/0").await?;
    assert_eq!((response.status().as_u16(), response.text().await?.as_str()), (200, "the first chunk\n"));
    Ok(())
}

#[tokio::test]
async fn a_trap_cuts_a_body_of_a_promised_length_short() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let response = devhost.get("/probe/stream-then-panic/1000").await?;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.is_err());
    Ok(())
}

#[tokio::test]
async fn one_request_at_a_time_needs_an_instance_for_each() -> Result<()> {
    let devhost = Devhost::start(&["--max-instance-concurrent-reuse-count", "1"])?;
    let counted = join_all((0..3).map(|_| devhost.probe("sleep/300"))).await;
    for count in counted {
        assert_eq!(count?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn work_goes_on_after_the_response_longer_than_an_idle_instance_lives() -> Result<()> {
    let devhost = Devhost::start(&["--idle-instance-timeout", "10ms"])?;
    devhost.probe("background/later/300").await?;
    until(|| async { Ok(devhost.probe("key-value/default/get/later").await? == "done") }).await
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_a_500() -> Result<()> {
    let devhost = Devhost::start(&["--request-timeout", "200ms"])?;
    let response = devhost.get("/probe/sleep/20000").await?;
    assert_eq!((response.status().as_u16(), response.text().await?), (500, String::new()));
    Ok(())
}

#[tokio::test]
async fn a_wake_across_requests_traps() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let waking = async {
        // Comes when the other one waits; before that there is nobody to wake.
        until(|| async {
            let response = devhost.get("/probe/wake-the-other").await?;
            Ok(response.status() == 500)
        })
        .await
    };
    let (waiting, woke) = tokio::join!(devhost.get("/probe/wait-for-another"), waking);
    woke?;
    assert_eq!(waiting?.status(), 500);
    Ok(())
}
