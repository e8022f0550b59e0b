//! The repository as cargo sees it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use xshell::Shell;

/// Where the workspace's `Cargo.toml` is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// A shell in the root of the workspace.
pub(crate) fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

/// The workspace's own packages and where things are built.
pub(crate) fn metadata() -> Result<Metadata> {
    MetadataCommand::new().current_dir(root()).no_deps().exec().context("cargo metadata failed")
}

/// The folder of a package, relative to the root.
pub(crate) fn folder_of(package: &Package) -> String {
    let folder = package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned()).unwrap_or_default();
    folder.strip_prefix(root()).unwrap_or(&folder).display().to_string()
}

/// Names of the packages that become wasm components and lie below `folder`.
pub(crate) fn components_below(metadata: &Metadata, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| folder_of(package).starts_with(folder))
        .filter(|package| package.targets.iter().any(cargo_metadata::Target::is_cdylib))
        .map(|package| package.name.to_string())
        .collect();
    names.sort();
    names
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf> {
    Ok(metadata()?.target_directory.into_std_path_buf())
}
