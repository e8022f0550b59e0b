//! The alarm of all other scenarios: what would hang or panic Spin fails the scenario on the devhost, whatever it asserts. On
//! Spin these two are left out by name (`cargo xtask test` says so), and fail where somebody asks for them all the same.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use testkit::{Application, Database, Setup, host_is_devhost};

/// What the devhost says of the application below.
const REPORT: &str = "component bare-select: the MySQL URL has the unknown parameter `charset`";

/// An application with an address of its database over which Spin panics (`docs/spin.md#opening-a-connection`), and a
/// component that believes it.
async fn application_with_a_bad_address() -> Result<Application> {
    ensure!(host_is_devhost(), "this host has no strict mode: leave these out with --skip strict::");
    let grant = "mysql://127.0.0.1:1".to_owned();
    let database = Database::MariaDb { url: format!("{grant}/kowai?charset=utf8mb4"), grant };
    let application = Application::start_with(Setup { database, ..Setup::default() }).await?;
    assert_eq!(application.client().get("/bare-select").await?.status, 500);
    Ok(application)
}

#[tokio::test]
async fn what_would_panic_spin_fails_the_scenario() -> Result<()> {
    let application = application_with_a_bad_address().await?;
    let begun = Instant::now();
    while !application.host_log().contains(REPORT) {
        ensure!(begun.elapsed() < Duration::from_secs(10), "it is not reported: {}", application.host_log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let failure = catch_unwind(AssertUnwindSafe(|| drop(application))).err().context("nothing failed")?;
    let message = failure.downcast_ref::<String>().context("a message")?;
    assert!(message.contains(REPORT), "{message}");
    Ok(())
}

#[tokio::test]
async fn what_a_scenario_provokes_on_purpose_is_expected_by_name() -> Result<()> {
    application_with_a_bad_address().await?.expect_report(REPORT).await
}
