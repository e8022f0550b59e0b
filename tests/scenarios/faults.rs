//! Faults that only the devhost can inject: instances that die, connections that drop, a host that is slow.

use std::{
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use anyhow::Result;
use testkit::{Application, host_is_devhost};

use crate::durability::{check_nothing_was_lost, talkers};

/// Talks for a while to a host with `faults`; every refusal has to be one of `refusals`.
async fn talk_with(faults: &[&str], refusals: &[(u16, &str)]) -> Result<()> {
    if !host_is_devhost() {
        return Ok(());
    }
    let mut application = Application::start().await?;
    let ada = application.user("ada").await?;
    let stop = Arc::new(AtomicBool::new(false));
    let (conversations, talking) = talkers(&ada, 8, &stop).await?;
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    application.restart_with(&arguments).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let told = talking.join_all().await;
    application.restart_with(&[]).await?;
    assert!(told.iter().map(|told| told.acknowledged.len()).sum::<usize>() > 20, "nothing was acknowledged");
    for (status, code) in told.iter().flat_map(|told| &told.refused) {
        assert!(refusals.contains(&(*status, code.as_str())), "{status} {code}");
    }
    check_nothing_was_lost(&ada, &conversations, &told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_every_request_gets_a_fresh_instance() -> Result<()> {
    talk_with(&["fresh-instances"], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_every_call_of_the_host_is_slow() -> Result<()> {
    talk_with(&["host-latency-ms=5"], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_database_connections_drop() -> Result<()> {
    talk_with(&["drop-database-every=100"], &[(503, "database_unavailable")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_instances_die() -> Result<()> {
    // A dead instance answers with an empty 500 for all of its requests; one that was chained to is a model that is not there.
    talk_with(&["kill-instance-after=60"], &[(500, ""), (503, "model_unavailable")]).await
}
