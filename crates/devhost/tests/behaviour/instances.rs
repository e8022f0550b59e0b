//! How instances are shared, reused and lost.

use anyhow::Result;
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
async fn a_trap_takes_everybody_on_the_instance_along() -> Result<()> {
    // A request that comes before the one ahead of it waits gets an instance of its own, on Spin too. So it may take a few
    // tries until all four share one; if a trap spared anybody, no number of tries would do.
    for _ in 0..5 {
        let devhost = Devhost::start(&[])?;
        let answers = [0, 300, 600].map(|delay_ms| ask_after(&devhost, delay_ms, "/probe/sleep/4000"));
        let (waiting, trapped) = tokio::join!(join_all(answers), ask_after(&devhost, 1200, "/probe/panic"));
        assert_eq!(trapped?, (500, String::new()));
        let waiting = waiting.into_iter().collect::<Result<Vec<_>>>()?;
        if waiting.iter().any(|(status, _)| *status == 200) {
            continue;
        }
        assert_eq!(waiting, vec![(500, String::new()); 3]);
        devhost.says("worker failed").await?;
        assert!(devhost.log("probe_stderr.txt")?.contains("as asked"));
        return Ok(());
    }
    anyhow::bail!("somebody survived every trap")
}

/// The status and the body of the answer to a GET that is sent after a while.
async fn ask_after(devhost: &Devhost, delay_ms: u64, path: &str) -> Result<(u16, String)> {
    tokio::time::sleep(std::time::Duration::from_millis(delay_ms)).await;
    let response = devhost.get(path).await?;
    Ok((response.status().as_u16(), response.text().await?))
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
