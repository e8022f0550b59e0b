//! Components that are composed of several.

use anyhow::Result;
use serde_json::{Value, json};

use crate::support::Devhost;

#[tokio::test]
async fn a_dependency_has_only_the_grants_that_it_inherits() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let answer: Value = devhost.get("/greeting/Ada").await?.json().await?;
    let mysql = answer["allowed_outbound_hosts_for_mysql"].as_str().unwrap();
    assert!(mysql.contains("mysql://127.0.0.1:1/x is not permitted"), "{mysql}");
    assert_eq!(
        answer,
        json!({
            "greeting": "hello Ada",
            "allowed_outbound_hosts": "granted",
            "allowed_outbound_hosts_for_mysql": mysql,
            "key_value_stores": "Error::AccessDenied",
            "sqlite_databases": "Error::AccessDenied",
            "variables": "Error::Undefined(\"greeting\")",
            "environment": "blue",
        })
    );
    Ok(())
}

#[tokio::test]
async fn a_dependency_may_inherit_everything() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    let answer: Value = devhost.get("/trusting-greeting/Ada").await?.json().await?;
    for grant in ["allowed_outbound_hosts", "key_value_stores", "sqlite_databases", "variables"] {
        assert_eq!(answer[grant], "granted", "{grant}");
    }
    Ok(())
}
