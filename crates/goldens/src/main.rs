//! `goldens <folder>` prints how many records match, by file and tier, and the first that do not; it fails when one of
//! tier core does not.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: goldens <folder>");
        return ExitCode::FAILURE;
    };
    match goldens::run(Path::new(&folder)) {
        Ok(report) => {
            print!("{report}");
            if report.core_misses() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
