//! The process: how it starts, what it says, how it ends.

use std::net::TcpListener;
use std::process::Command;

use anyhow::Result;

use crate::support::Devhost;

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish() -> Result<()> {
    let mut devhost = Devhost::start(&[])?;
    let stopping = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
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
