//! MySQL, on a MariaDB of the tests' own.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use anyhow::Result;
use serde_json::{Value, json};
use testkit::mariadb::{Access, MariaDb};

use crate::certificates::Authority;
use crate::support::Devhost;

/// The server of the tests that run now, unless `cargo xtask test` has one; it stops with the last of them.
static SERVER: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());

/// A devhost whose probe may use a database of its own.
pub(crate) struct WithDatabase {
    pub(crate) devhost: Devhost,
    /// The database's address.
    pub(crate) url: String,
    _server: Option<Arc<MariaDb>>,
}

/// Starts a devhost with an empty database of the given name.
pub(crate) async fn start(name: &str, arguments: &[&str]) -> Result<WithDatabase> {
    let name = format!("devhost_{name}");
    let create = move || -> Result<_> {
        let (access, server) = match Access::from_environment() {
            Some(access) => (access, None),
            None => {
                let server = server()?;
                (server.access(), Some(server))
            }
        };
        Ok((access.new_database(&name)?, access.grant(), server))
    };
    let (url, grant, server) = tokio::task::spawn_blocking(create).await??;
    let (url_variable, host) = (format!("database_url={url}?prefer_socket=false"), format!("database_host={grant}"));
    let devhost = Devhost::start(&[&["--variable", &url_variable, "--variable", &host], arguments].concat())?;
    Ok(WithDatabase { devhost, url, _server: server })
}

fn server() -> Result<Arc<MariaDb>> {
    let mut running = SERVER.lock().expect("no starter panics");
    if let Some(server) = running.upgrade() {
        return Ok(server);
    }
    let server = Arc::new(MariaDb::start()?);
    *running = Arc::downgrade(&server);
    Ok(server)
}

#[tokio::test]
async fn values_come_back_as_spin_converts_them() -> Result<()> {
    let database = start("values", &[]).await?;
    let devhost = &database.devhost;
    let create =
        "CREATE TABLE t (i BIGINT, u INT UNSIGNED, f DOUBLE, s TEXT, b BLOB, j VARCHAR(9) COLLATE utf8mb4_bin)";
    assert_eq!(devhost.ask("mysql/execute", create).await?, json!(null));
    let insert = "INSERT INTO t VALUES (-1, 2, 1.5, 'x', x'00ff', 'y'), (NULL, NULL, NULL, NULL, NULL, NULL)";
    assert_eq!(devhost.ask("mysql/execute", insert).await?, json!(null));
    let found = devhost.ask("mysql/query", "SELECT * FROM t ORDER BY i DESC").await?;
    assert_eq!(
        found["rows"][0],
        json!([
            "DbValue::Int64(-1)",
            "DbValue::Uint32(2)",
            "DbValue::Floating64(1.5)",
            "DbValue::Str(\"x\")",
            "DbValue::Binary([0, 255])",
            "DbValue::Binary([121])"
        ])
    );
    assert_eq!(found["rows"][1], Value::from(vec!["DbValue::DbNull"; 6]));
    Ok(())
}

#[tokio::test]
async fn an_error_is_told_by_execute_and_lost_by_query() -> Result<()> {
    let database = start("errors", &[]).await?;
    let devhost = &database.devhost;
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
    let database = start("decimal", &[]).await?;
    let devhost = &database.devhost;
    let failed = devhost.ask("mysql/query", "SELECT 1.5 AS price").await?;
    assert!(failed["error"].as_str().unwrap().contains("ValueConversionFailed"), "{failed}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_shown_with_its_password() -> Result<()> {
    let database = start("denied", &[]).await?;
    let devhost = &database.devhost;
    let denied = devhost.ask("mysql/open", "mysql://user:secret@127.0.0.1:1/x").await?;
    let denied = denied["error"].as_str().unwrap();
    assert!(denied.contains("address mysql://user:secret@127.0.0.1:1/x is not permitted"), "{denied}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_parameter_panics_as_in_spin() -> Result<()> {
    let WithDatabase { devhost, url, .. } = &start("parameter", &[]).await?;
    let url = format!("{url}?charset=utf8mb4");
    let request = devhost.client().post(devhost.url("/probe/mysql/open")).body(url);
    assert_eq!(request.send().await?.status(), 500);
    devhost.says("worker panicked").await
}

/// A server with a certificate of `authority`.
async fn start_tls_server(authority: &Authority) -> Result<MariaDb> {
    let (certificate, key) = authority.issue("mariadb")?;
    let arguments = [format!("--ssl-cert={}", certificate.display()), format!("--ssl-key={}", key.display())];
    tokio::task::spawn_blocking(move || MariaDb::start_with(&arguments)).await?
}

/// The cipher of a connection with these parameters, empty without TLS; or the error of the call.
async fn cipher(server: &MariaDb, parameters: &str, environment: &[(&str, &Path)]) -> Result<String> {
    let (grant, url) = (server.access().grant(), server.url());
    let (host, url) = (format!("database_host={grant}"), format!("database_url={url}?prefer_socket=false{parameters}"));
    let arguments = ["--variable", &host, "--variable", &url];
    let devhost = Devhost::start_with(tempfile::tempdir()?, &arguments, environment)?;
    let found = devhost.ask("mysql/query", "SHOW STATUS LIKE 'Ssl_cipher'").await?;
    let shown = found["rows"][0][1].as_str().or(found["error"].as_str()).unwrap_or_default();
    Ok(shown.trim_start_matches("DbValue::Str(\"").trim_end_matches("\")").to_owned())
}

#[tokio::test]
async fn a_connection_is_encrypted_when_its_address_has_an_ssl_mode() -> Result<()> {
    let authority = Authority::new()?;
    let server = start_tls_server(&authority).await?;
    let trusted: &[(&str, &Path)] = &[("SSL_CERT_FILE", &authority.root())];
    for mode in ["&ssl-mode=required", "&sslMode=VERIFY_IDENTITY"] {
        let cipher = cipher(&server, mode, trusted).await?;
        assert!(cipher.starts_with("TLS_"), "{mode}: {cipher}");
    }
    // `require_ssl` is a parameter of the client library, and Spin overwrites what it says
    // (`docs/spin.md#opening-a-connection`).
    for mode in ["", "&ssl-mode=disabled", "&require_ssl=true"] {
        assert_eq!(cipher(&server, mode, trusted).await?, "", "{mode}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_whose_root_the_system_does_not_trust_is_refused() -> Result<()> {
    let server = start_tls_server(&Authority::new()?).await?;
    let refused = cipher(&server, "&ssl-mode=required", &[]).await?;
    assert!(refused.contains("ConnectionFailed") && refused.contains("certificate verify failed"), "{refused}");
    Ok(())
}
