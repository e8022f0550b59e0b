//! `goldens <folder>` prints how many records match, by file and tier, and the first that do not; it fails when one of
//! tier core does not.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

fn main() -> Result<ExitCode> {
    let folder = std::env::args_os().nth(1).context("usage: goldens <folder>")?;
    let report = goldens::run(folder.as_ref())?;
    print!("{report}");
    Ok(if report.core_misses() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
