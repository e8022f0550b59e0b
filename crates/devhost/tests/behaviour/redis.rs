//! The key-value store on a Redis of the tests' own.

use anyhow::Result;
use redis::AsyncCommands;
use serde_json::json;
use testkit::redis::Redis;

use crate::support::{Devhost, until};

/// A devhost whose default store is on the server.
fn devhost_on(server: &Redis) -> Result<Devhost> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("runtime-config.toml");
    std::fs::write(&config, format!("[key_value_store.default]\ntype = \"redis\"\nurl = \"{}\"\n", server.url()))?;
    let config = config.display().to_string();
    Devhost::start_in(folder, &["--runtime-config-file", &config])
}

async fn start_server() -> Result<Redis> {
    tokio::task::spawn_blocking(Redis::start).await?
}

#[tokio::test]
async fn keys_live_in_redis_under_their_own_names() -> Result<()> {
    let server = start_server().await?;
    let mut redis = redis::Client::open(server.url())?.get_multiplexed_async_connection().await?;
    let _: () = redis.set("from-elsewhere", "4").await?;
    let devhost = devhost_on(&server)?;
    for (call, answer) in [
        ("get/a", json!(null)),
        ("set/a/1", json!(null)),
        ("set/a/3", json!(null)),
        ("get/a", json!("3")),
        ("get/from-elsewhere", json!("4")),
        ("exists/a", json!(true)),
        ("exists/nobody", json!(false)),
        ("delete/from-elsewhere", json!(null)),
        ("delete/nobody", json!(null)),
        ("keys", json!(["a"])),
    ] {
        assert_eq!(devhost.probe(&format!("key-value/default/{call}")).await?, answer, "{call}");
    }
    assert_eq!(redis.get::<_, String>("a").await?, "3");
    assert!(!devhost.folder.path().join(".spin/sqlite_key_value.db").exists(), "nothing is kept beside Redis");
    Ok(())
}

#[tokio::test]
async fn two_hosts_share_what_is_in_redis() -> Result<()> {
    let server = start_server().await?;
    let (one, other) = (devhost_on(&server)?, devhost_on(&server)?);
    one.probe("key-value/default/set/a/1").await?;
    assert_eq!(other.probe("key-value/default/get/a").await?, "1");
    Ok(())
}

#[tokio::test]
async fn a_redis_that_went_away_is_an_error_of_the_call() -> Result<()> {
    let mut server = start_server().await?;
    let devhost = devhost_on(&server)?;
    devhost.probe("key-value/default/set/a/1").await?;
    server.kill()?;
    until(|| async {
        let answer = devhost.probe("key-value/default/get/a").await?;
        Ok(answer["error"].as_str().is_some_and(|error| error.starts_with("Error::Other")))
    })
    .await
}
