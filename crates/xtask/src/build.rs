//! `cargo xtask build`: all components in one cargo call, which compiles what they share once.

use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use crate::{setup, workspace};

/// Builds the components of the product.
pub(crate) fn components() -> Result<()> {
    build("components/")
}

/// Builds the components that only tests and benches use.
pub(crate) fn fixtures() -> Result<()> {
    build("tests/fixtures/")
}

/// Builds the devhost and says where it is.
pub(crate) fn devhost() -> Result<PathBuf> {
    let shell = workspace::shell()?;
    cmd!(shell, "cargo build --quiet --release --package devhost").quiet().run()?;
    Ok(workspace::target_folder()?.join("release/devhost"))
}

fn build(folder: &str) -> Result<()> {
    setup::run()?;
    let shell = workspace::shell()?;
    let target = setup::TARGET;
    let packages = workspace::components_below(&workspace::metadata()?, folder);
    let packages = packages.iter().flat_map(|name| ["--package", name]);
    cmd!(shell, "cargo build --target {target} --profile component {packages...}").quiet().run()?;
    Ok(())
}
