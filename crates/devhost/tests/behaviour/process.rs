//! The process: how it starts, what it says, how it ends.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::support::{Devhost, until};

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish() -> Result<()> {
    let mut devhost = Devhost::start(&[])?;
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        devhost.terminate()
    };
    let (answered, told) = tokio::join!(devhost.get("/probe/sleep/600"), stopping);
    told?;
    assert_eq!(answered?.status(), 200);
    assert_eq!(devhost.ends().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn output_goes_to_a_file_for_each_component_and_stream() -> Result<()> {
    let devhost = Devhost::start(&[])?;
    devhost.probe("print").await?;
    assert_eq!(devhost.log("probe_stdout.txt")?, "a line on stdout\n");
    assert_eq!(devhost.log("probe_stderr.txt")?, "a line on stderr\n");
    assert_eq!(devhost.log("private_stdout.txt")?, "");
    Ok(())
}

#[tokio::test]
async fn what_cannot_work_is_said_before_the_port_is_open() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for (arguments, said) in [
        (vec!["--listen", &address], "is already in use"),
        (vec!["--runtime-config-file", "nobody.toml"], "cannot read nobody.toml"),
        (vec!["--profile", "deugb"], "Profile deugb is not defined in this application"),
    ] {
        let folder = tempfile::tempdir()?;
        std::fs::write(
            folder.path().join("spin.toml"),
            "spin_manifest_version = 2\n[application]\nname = \"x\"\n[trigger]",
        )?;
        let devhost = Command::new(env!("CARGO_BIN_EXE_devhost"));
        let ended = { devhost }.arg("up").arg("--from").arg(folder.path()).args(&arguments).output()?;
        assert!(!ended.status.success());
        assert!(String::from_utf8_lossy(&ended.stderr).contains(said), "{ended:?}");
    }
    Ok(())
}

#[tokio::test]
async fn passages_are_counted_to_the_last_one_and_are_the_same_for_the_same_request() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("passages.json");
    let one_for_each = ["--max-instance-reuse-count", "1", "--passages", file.to_str().context("a path in UTF-8")?];
    let devhost = Devhost::start(&one_for_each)?;
    let read = || fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()).unwrap_or_default();
    let count = async |instances: u64| {
        until(|| async { Ok(read()["probe"]["instances"] == instances) }).await?;
        // The last ones come when the instance is thrown away.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let counted = read();
        let number = |what: &str| counted["probe"][what].as_u64().context("a number");
        anyhow::Ok((number("entries")?, number("host_calls")?))
    };
    let mut totals = vec![(0, 0)];
    for instances in 1..=3 {
        devhost.probe("instance").await?;
        totals.push(count(instances).await?);
    }
    let each: Vec<_> = totals.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1)).collect();
    assert!(each[0].0 > 0 && each[0].1 > 0, "{each:?}");
    assert_eq!(each[1], each[2], "{each:?}");
    Ok(())
}
