//! Faults that only the devhost can inject: instances that die, connections that drop, a host that is slow. On Spin they are
//! left out by name (`cargo xtask test` says so), and fail where somebody asks for them all the same.

use anyhow::Result;
use testkit::{Application, host_is_devhost};

use crate::durability::{Talk, check_nothing_was_lost};

/// Talks for a while to a host with `faults`; every refusal has to be one of `refusals`.
async fn talk_with(faults: &[&str], refusals: &[(u16, &str)]) -> Result<()> {
    assert!(host_is_devhost(), "this host cannot inject faults: leave these out with --skip faults::");
    let mut application = Application::start().await?;
    let ada = application.user("ada").await?;
    let talk = Talk::begin(&ada, 8).await?;
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    application.restart_with(&arguments).await?;
    talk.until_acknowledged(200).await?;
    let (conversations, told) = talk.end().await;
    application.restart_with(&[]).await?;
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
