//! Variables, key-value and SQLite.

use anyhow::Result;
use serde_json::json;

use crate::support::Devhost;

#[tokio::test]
async fn variables_come_from_the_command_line() -> Result<()> {
    let devhost = Devhost::start(&["--variable", "greeting=good day"])?;
    assert_eq!(devhost.probe("variable/greeting").await?, "good day, you");
    let undefined = devhost.probe("variable/nobody").await?;
    assert_eq!(undefined["error"], r#"Error::Undefined("no variable for \"probe\".\"nobody\"")"#);
    assert_eq!(devhost.probe("environment/COLOUR").await?, "blue");
    assert_eq!(devhost.probe("environment/PATH").await?, json!(null));
    Ok(())
}

#[tokio::test]
async fn keys_can_be_set_listed_and_deleted() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    for (call, answer) in [
        ("get/a", json!(null)),
        ("set/a/1", json!(null)),
        ("set/b/2", json!(null)),
        ("set/a/3", json!(null)),
        ("get/a", json!("3")),
        ("exists/b", json!(true)),
        ("keys", json!(["a", "b"])),
        ("delete/a", json!(null)),
        ("delete/nobody", json!(null)),
        ("keys", json!(["b"])),
    ] {
        assert_eq!(devhost.probe(&format!("key-value/default/{call}")).await?, answer, "{call}");
    }
    let denied = devhost.probe("key-value/other/get/a").await?;
    assert_eq!(denied, json!({ "error": "Error::AccessDenied" }));
    Ok(())
}

#[tokio::test]
async fn sqlite_rows_have_their_types_and_errors_come_with_the_result() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let run = async |statement: &str| devhost.ask("sqlite/default", statement).await;
    assert_eq!(run("CREATE TABLE t (a, b)").await?["rows"], json!([]));
    let inserted = run("INSERT INTO t VALUES (1, 'x'), (2.5, x'00ff'), (NULL, '') RETURNING a").await?;
    assert_eq!(inserted, json!({ "columns": ["a"], "rows": [[1], [2.5], [null]], "changes": 3 }));
    assert_eq!(run("SELECT b FROM t").await?["rows"], json!([["x"], [{ "blob": [0, 255] }], [""]]));
    // What comes after the first statement is ignored.
    assert_eq!(run("SELECT 1; SELECT 2").await?["rows"], json!([[1]]));
    let failed = run("SELECT nobody").await?;
    assert!(failed["error"].as_str().unwrap().contains("no such column: nobody"), "{failed}");
    let attached = run("ATTACH 'other.db' AS other").await?;
    assert_eq!(attached["error"], r#"Error::Io("not authorized")"#);
    assert_eq!(devhost.ask("sqlite/other", "SELECT 1").await?["error"], "Error::AccessDenied");
    Ok(())
}

#[tokio::test]
async fn state_outlives_a_kill() -> Result<()> {
    let mut devhost = Devhost::start(&[])?;
    devhost.probe("key-value/default/set/a/1").await?;
    devhost.ask("sqlite/default", "CREATE TABLE t AS SELECT 7 AS n").await?;
    let folder = std::mem::replace(&mut devhost.folder, tempfile::tempdir()?);
    drop(devhost);

    let devhost = Devhost::start_in(folder, &[])?;
    assert_eq!(devhost.probe("key-value/default/get/a").await?, "1");
    assert_eq!(devhost.ask("sqlite/default", "SELECT n FROM t").await?["rows"], json!([[7]]));
    Ok(())
}

#[tokio::test]
async fn without_a_state_directory_nothing_is_kept() -> Result<()> {
    let devhost = Devhost::start(&["--state-dir", ""])?;
    devhost.probe("key-value/default/set/a/1").await?;
    assert_eq!(devhost.probe("key-value/default/get/a").await?, "1");
    // Every connection has a database of its own.
    devhost.ask("sqlite/default", "CREATE TABLE t (a)").await?;
    let failed = devhost.ask("sqlite/default", "SELECT a FROM t").await?;
    assert!(failed["error"].as_str().unwrap().contains("no such table"), "{failed}");
    assert!(!devhost.folder.path().join(".spin").exists());
    Ok(())
}
