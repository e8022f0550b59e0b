//! Is this deployment able to work?

use anyhow::Result;
use testkit::Application;

#[tokio::test]
async fn a_fresh_deployment_is_live_and_ready() -> Result<()> {
    let application = Application::start().await?;
    let client = application.client();
    assert_eq!(client.get("/health/live").await?.status, 200);
    let ready = client.get("/health/ready").await?;
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert!(!ready.header("content-length").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_deployment_whose_database_is_missing_is_live_but_not_ready_and_says_why() -> Result<()> {
    let nowhere = format!("mysql://127.0.0.1:{}", testkit::mariadb::free_port()?);
    let database =
        testkit::Database::MariaDb { url: format!("{nowhere}/kowai").replace("//", "//kowai:secret@"), grant: nowhere };
    let application = Application::start_with(testkit::Setup { database, ..testkit::Setup::default() }).await?;
    let client = application.client();
    assert_eq!(client.get("/health/live").await?.status, 200);
    let ready = client.get("/health/ready").await?;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert!(ready.text().contains("database"), "{}", ready.text());
    assert!(!ready.text().contains("secret") && !application.logs()?.contains("secret"));
    Ok(())
}
