//! `cargo xtask build`: all components in one cargo call, which compiles what they share once.

use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use crate::{setup, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How components are built.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// How components are built.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Small and fast: what is deployed, tested and measured.
    #[default]
    Release,
    /// Soon built, and with names and line tables, so that the backtrace of a trap says where it was. Also the name of the build
    /// profile in `spin.toml`.
    Local,
}

impl Profile {
    /// What cargo calls it.
    fn of_cargo(self) -> &'static str {
        match self {
            Self::Release => "component",
            Self::Local => "local",
        }
    }

    /// What `spin up` needs to serve it. Release is the one without a name.
    pub(crate) fn of_spin(self) -> &'static [&'static str] {
        match self {
            Self::Release => &[],
            Self::Local => &["--profile", "local"],
        }
    }
}

/// Carries out the command.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    components(arguments.profile)
}

/// Builds the components of the product.
pub(crate) fn components(profile: Profile) -> Result<()> {
    build(&["components/"], profile)
}

/// Builds the components of the product and those that only tests and benches use. In one call too: cargo would compile the
/// libraries once more for another choice of packages.
pub(crate) fn components_and_fixtures() -> Result<()> {
    build(&["components/", "tests/fixtures/"], Profile::Release)
}

/// Builds the devhost as soon as it can be had and says where it is.
pub(crate) fn devhost() -> Result<PathBuf> {
    devhost_by("local")
}

/// Builds the devhost that is tested and measured on, as Spin is built from source, and says where it is.
pub(crate) fn tested_devhost() -> Result<PathBuf> {
    devhost_by("release")
}

fn devhost_by(profile: &str) -> Result<PathBuf> {
    let shell = workspace::shell()?;
    cmd!(shell, "cargo build --profile {profile} --package devhost").quiet().run()?;
    Ok(workspace::target_folder()?.join(profile).join("devhost"))
}

fn build(folders: &[&str], profile: Profile) -> Result<()> {
    setup::run()?;
    let shell = workspace::shell()?;
    let target = setup::TARGET;
    let metadata = workspace::metadata()?;
    let packages: Vec<String> = folders.iter().flat_map(|it| workspace::components_below(&metadata, it)).collect();
    let packages = packages.iter().flat_map(|name| ["--package", name]);
    let profile = profile.of_cargo();
    cmd!(shell, "cargo build --target {target} --profile {profile} {packages...}").quiet().run()?;
    Ok(())
}
