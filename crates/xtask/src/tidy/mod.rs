//! `cargo xtask tidy`: what no compiler checks.
//!
//! Each check is a file with one function that returns what it found; the order below is the order in which a reader would want
//! to hear of it.

mod arrows;
mod citations;
mod code;
mod grants;
mod names;
mod problems;
mod readme;
mod routes;
mod seam;
mod sizes;
mod sql;
mod tenancy;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::workspace;

/// A Rust file of the repository.
pub(crate) struct Source {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// Something that is not as it should be: where, and what.
pub(crate) type Finding = String;

/// Runs all checks and fails if one finds something.
pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    let metadata = workspace::metadata()?;
    let root = workspace::root();
    let mut findings = arrows::check(&metadata);
    findings.extend(names::check(&metadata, &root)?);
    findings.extend(grants::check(&sources, &metadata, &root)?);
    findings.extend(sql::check(&sources)?);
    findings.extend(seam::check(&sources));
    findings.extend(tenancy::check(&sources)?);
    findings.extend(sizes::check(&sources));
    findings.extend(problems::check(&sources, &root)?);
    findings.extend(routes::check(&sources, &root)?);
    findings.extend(readme::check(&root)?);
    findings.extend(citations::check(&root)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    Ok(())
}

/// All Rust files.
fn sources() -> Result<Vec<Source>> {
    let root = workspace::root();
    let paths = listed(&["*.rs"])?;
    paths.into_iter().map(|path| Ok(Source { text: fs::read_to_string(root.join(&path))?, path })).collect()
}

/// The files of these patterns that git knows or would add, with `/` and from the root.
fn listed(patterns: &[&str]) -> Result<Vec<String>> {
    let shell = workspace::shell()?;
    let listed = cmd!(shell, "git ls-files --cached --others --exclude-standard -- {patterns...}").quiet().read()?;
    let root = workspace::root();
    Ok(listed.lines().filter(|path| root.join(path).is_file()).map(str::to_owned).collect())
}

/// True for files that only tests see.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.starts_with("crates/testkit/")
        || path.starts_with("crates/devhost/")
}

/// The names of what lies in a folder, without extensions.
fn stems(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
