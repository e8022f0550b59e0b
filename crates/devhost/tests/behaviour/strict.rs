//! What the strict mode makes loud.

use anyhow::Result;

use crate::support::Devhost;
use crate::{mysql, support};

/// Checks that the devhost reported the violation, and that its exit status says that there was one.
async fn violated(devhost: &mut Devhost, what: &str) -> Result<()> {
    devhost.says(what).await?;
    assert!(devhost.stderr().contains("devhost: strict: component probe: "), "{}", devhost.stderr());
    devhost.terminate()?;
    assert_eq!(devhost.ends().await?.code(), Some(3));
    Ok(())
}

#[tokio::test]
async fn a_connection_dropped_while_another_opens_does_not_hang() -> Result<()> {
    let mut database = mysql::start("strict_drop", &["--strict"]).await?;
    let devhost = &mut database.devhost;
    // On a busy machine the database can be so quick that the other connection is open at once.
    support::until(|| async { Ok(devhost.get("/probe/mysql/drop-while-opening").await?.status() == 500) }).await?;
    violated(devhost, "dropped a MySQL connection while another is being opened").await
}

#[tokio::test]
async fn an_unknown_parameter_is_named() -> Result<()> {
    let mut database = mysql::start("strict_parameter", &["--strict"]).await?;
    let devhost = &mut database.devhost;
    let url = "mysql://user:secret@127.0.0.1:1/x?charset=utf8mb4";
    // The address must be allowed before Spin looks at its parameters.
    let denied = devhost.ask("mysql/open", url).await?;
    assert!(denied["error"].as_str().unwrap().contains("not permitted"));

    let url = format!("{}?charset=utf8mb4", database.url);
    let request = devhost.client().post(devhost.url("/probe/mysql/open")).body(url);
    assert_eq!(request.send().await?.status(), 500);
    violated(devhost, "unknown parameter `charset`").await
}

#[tokio::test]
async fn rows_that_nobody_reads_do_not_hang() -> Result<()> {
    let devhost = &mut Devhost::start(&["--strict"])?;
    assert_eq!(devhost.get("/probe/sqlite-undrained").await?.status(), 500);
    violated(devhost, "a SQLite connection whose rows nobody reads").await
}

#[tokio::test]
async fn a_wake_across_requests_is_reported_in_the_components_words() -> Result<()> {
    let devhost = &mut Devhost::start(&["--strict"])?;
    let waking = support::until(|| async { Ok(devhost.get("/probe/wake-the-other").await?.status() == 500) });
    let (_, woke) = tokio::join!(devhost.get("/probe/wait-for-another"), waking);
    woke?;
    violated(devhost, "cross-component-model-task wakeup").await
}

#[tokio::test]
async fn without_a_violation_the_exit_status_is_good() -> Result<()> {
    let mut devhost = Devhost::start(&["--strict"])?;
    devhost.probe("instance").await?;
    devhost.terminate()?;
    assert_eq!(devhost.ends().await?.code(), Some(0));
    Ok(())
}
