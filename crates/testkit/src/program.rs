//! Servers of the system that tests start: where they are, and how to get them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// The first of `names` that is on the PATH, or where Debian keeps servers.
pub(crate) fn first_of(names: &[&str]) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain([Path::new("/usr/sbin").into(), Path::new("/usr/local/sbin").into()]);
    folders
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|program| program.is_file())
        .with_context(|| format!("{} is not installed", names[0]))
}

/// Installs `packages` with apt-get unless there is one program of each of `programs`, which lists its possible names.
pub(crate) fn ensure_installed(what: &str, programs: &[&[&str]], packages: &[&str]) -> Result<()> {
    if programs.iter().all(|names| first_of(names).is_ok()) {
        return Ok(());
    }
    eprintln!("{what} is missing; installing it with apt-get");
    let installed = ["update", "install"].into_iter().all(|verb| {
        let mut command = Command::new("apt-get");
        command.args(["-qq", "-y", verb]).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        if verb == "install" {
            command.arg("--no-install-recommends").args(packages);
        }
        command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    ensure!(installed, "{what} is needed and could not be installed: install the package {}", packages[0]);
    Ok(())
}
