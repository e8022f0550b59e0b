//! `cargo xtask bench`: the release build, measured beside bare components.

use anyhow::Result;
use xshell::cmd;

use crate::{build, up, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Arguments of the bench itself; `-- --help` lists them.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds everything for release and measures on Spin, where `SPIN_BIN` names it, else on the devhost.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build::components_and_fixtures()?;
    let host = match std::env::var_os("SPIN_BIN") {
        Some(_) => up::host()?,
        None => build::tested_devhost()?,
    };
    let shell = workspace::shell()?;
    let _host = shell.push_env("KOWAI_TEST_HOST", &host);
    let _reuse = shell.push_env("KOWAI_TEST_HOST_ARGUMENTS", "");
    let rest = &arguments.rest;
    cmd!(shell, "cargo run --quiet --release --package bench -- {rest...}").quiet().run()?;
    Ok(())
}
