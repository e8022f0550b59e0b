//! MySQL, on a MariaDB of the tests' own.

use std::sync::LazyLock;

use anyhow::Result;
use serde_json::json;
use testkit::mariadb::{Access, MariaDb};

use crate::support::Devhost;

/// One server for all tests, stopped by the end of its parent.
static SERVER: LazyLock<Access> = LazyLock::new(|| {
    Access::from_environment().unwrap_or_else(|| Box::leak(Box::new(MariaDb::start().unwrap())).access())
});

/// Starts a devhost whose probe may use an empty database of the given name.
pub(crate) async fn start(name: &str, arguments: &[&str]) -> Result<Devhost> {
    let url = tokio::task::spawn_blocking({
        let name = format!("devhost_{name}");
        move || SERVER.new_database(&name)
    });
    let url = format!("database_url={}?prefer_socket=false", url.await??);
    let host = format!("database_host={}", SERVER.grant());
    Devhost::start(&[&["--variable", &url, "--variable", &host], arguments].concat())
}

/// The account and the address, as they stand in a URL.
pub(crate) fn authority() -> String {
    let url = SERVER.url_of("x");
    url.trim_start_matches("mysql://").trim_end_matches("/x").to_owned()
}

#[tokio::test]
async fn values_come_back_as_spin_converts_them() -> Result<()> {
    let devhost = start("values", &[]).await?;
    let create = "CREATE TABLE t (i BIGINT, u INT UNSIGNED, f DOUBLE, s TEXT, b BLOB, j VARCHAR(9) COLLATE utf8mb4_bin)";
    assert_eq!(devhost.ask("mysql/execute", create).await?, json!(null));
    let insert = "INSERT INTO t VALUES (-1, 2, 1.5, 'x', x'00ff', 'y'), (NULL, NULL, NULL, NULL, NULL, NULL)";
    assert_eq!(devhost.ask("mysql/execute", insert).await?, json!(null));
    let found = devhost.ask("mysql/query", "SELECT * FROM t ORDER BY i DESC").await?;
    assert_eq!(
        found["rows"][0],
        json!(["Int64(-1)", "Uint32(2)", "Floating64(1.5)", "Str(\"x\")", "Binary([0, 255])", "Binary([121])"])
    );
    assert_eq!(found["rows"][1], json!(["DbNull"; 6].to_vec()));
    Ok(())
}

#[tokio::test]
async fn an_error_is_told_by_execute_and_lost_by_query() -> Result<()> {
    let devhost = start("errors", &[]).await?;
    let told = devhost.ask("mysql/execute", "SELECT * FROM nobody").await?;
    let told = told["error"].as_str().unwrap();
    assert!(told.contains("QueryFailed") && told.contains("code: 1146"), "{told}");

    let lost = devhost.ask("mysql/query", "SELECT * FROM nobody").await?;
    let lost = lost["error"].as_str().unwrap();
    assert!(lost.contains("async error: channel closed") && !lost.contains("1146"), "{lost}");
    Ok(())
}

#[tokio::test]
async fn a_column_that_spin_cannot_convert_fails_the_query() -> Result<()> {
    let devhost = start("decimal", &[]).await?;
    let failed = devhost.ask("mysql/query", "SELECT 1.5 AS price").await?;
    assert!(failed["error"].as_str().unwrap().contains("ValueConversionFailed"), "{failed}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_shown_with_its_password() -> Result<()> {
    let devhost = start("denied", &[]).await?;
    let denied = devhost.ask("mysql/open", "mysql://user:secret@127.0.0.1:1/x").await?;
    let denied = denied["error"].as_str().unwrap();
    assert!(denied.contains("address mysql://user:secret@127.0.0.1:1/x is not permitted"), "{denied}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_parameter_panics_as_in_spin() -> Result<()> {
    let devhost = start("parameter", &[]).await?;
    let url = format!("{}?charset=utf8mb4", SERVER.url_of("devhost_parameter"));
    let request = devhost.client().post(devhost.url("/probe/mysql/open")).body(url);
    assert_eq!(request.send().await?.status(), 500);
    devhost.says("worker panicked").await
}
