//! `cargo xtask build`: all components in one cargo call, which compiles what they share once.

use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use crate::{setup, workspace};

/// Builds the components of the product.
pub(crate) fn components() -> Result<()> {
    build(&["components/"])
}

/// Builds the components of the product and those that only tests and benches use. In one call too: cargo would compile the
/// libraries once more for another choice of packages.
pub(crate) fn components_and_fixtures() -> Result<()> {
    build(&["components/", "tests/fixtures/"])
}

/// Builds the devhost and says where it is.
pub(crate) fn devhost() -> Result<PathBuf> {
    let shell = workspace::shell()?;
    cmd!(shell, "cargo build --quiet --release --package devhost").quiet().run()?;
    Ok(workspace::target_folder()?.join("release/devhost"))
}

fn build(folders: &[&str]) -> Result<()> {
    setup::run()?;
    let shell = workspace::shell()?;
    let target = setup::TARGET;
    let metadata = workspace::metadata()?;
    let packages: Vec<String> = folders.iter().flat_map(|it| workspace::components_below(&metadata, it)).collect();
    let packages = packages.iter().flat_map(|name| ["--package", name]);
    cmd!(shell, "cargo build --target {target} --profile component {packages...}").quiet().run()?;
    Ok(())
}
