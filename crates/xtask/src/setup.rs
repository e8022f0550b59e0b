//! `cargo xtask setup`: the wasm target.

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::workspace;

/// What components are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Makes the target available where it is missing.
pub(crate) fn run() -> Result<()> {
    let shell = workspace::shell()?;
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    let library = std::path::Path::new(&sysroot).join("lib/rustlib").join(TARGET).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    eprintln!("adding the target {TARGET} to the Rust toolchain");
    ensure!(
        cmd!(shell, "rustup target add {TARGET}").quiet().run().is_ok(),
        "the target {TARGET} is missing and rustup could not add it: install Rust with rustup (https://rustup.rs)"
    );
    Ok(())
}
