//! `cargo xtask golden` accepts new snapshots; `cargo xtask goldens <folder>` checks recorded behaviour of DSPy.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the records: `format.jsonl`, `parse.jsonl`, ...
    folder: PathBuf,
}

/// Runs the tests and takes what they produce as what they should produce. Read the diff before you commit it.
pub(crate) fn accept() -> Result<()> {
    let shell = workspace::shell()?;
    let _guard = shell.push_env("INSTA_UPDATE", "always");
    cmd!(shell, "cargo test --quiet --workspace --exclude devhost --exclude scenarios").quiet().run()?;
    cmd!(shell, "git diff --stat -- *.snap tests/golden").quiet().run()?;
    Ok(())
}

/// Runs every record and fails on any miss of tier core.
pub(crate) fn dspy(arguments: &Arguments) -> Result<()> {
    let folder = std::path::absolute(&arguments.folder)?;
    ensure!(folder.is_dir(), "{} is not a folder", folder.display());
    let shell = workspace::shell()?;
    cmd!(shell, "cargo run --quiet --release --package goldens -- {folder}").quiet().run()?;
    Ok(())
}
