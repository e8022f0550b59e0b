//! Recorded behaviour of DSPy as a yardstick: every record of a folder is replayed and compared.
//!
//! A folder holds one file of JSON lines for each kind of record (`format.jsonl`, `call.jsonl`, ...). A record says what
//! went in and what DSPy 3.4.1 made of it; its tier says how much a miss matters: `core` must match, `extra` is nice to
//! have, of `exotic` the fact of an error is enough.

use std::io;
use std::path::Path;

use predict::Value;
use predict::python::json;

mod compare;
mod decode;
mod kinds;
mod report;

pub use report::{FileReport, Miss, Report, Tally};

/// What a record shows: that it matches, or how it does not.
pub(crate) type Verdict = Result<(), String>;

/// Replays every record of a folder.
///
/// # Errors
/// When the folder or a file of it cannot be read. A record that cannot be is a miss.
pub fn run(folder: &Path) -> io::Result<Report> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| unreadable(folder, &error))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut report = Report::default();
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let mut file = FileReport::new(name);
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            replay(index, line, &mut file);
        }
        report.files.push(file);
    }
    Ok(report)
}

fn unreadable(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
}

fn replay(index: usize, line: &str, file: &mut FileReport) {
    let record = match json::loads(line) {
        Ok(record) => record,
        Err(error) => return file.count("core", &format!("line {}", index + 1), Err(format!("no JSON: {error}"))),
    };
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{} {}", text("id"), text("label"));
    // A panic in one record must not hide the others.
    let verdict = std::panic::catch_unwind(|| kinds::check(&record)).unwrap_or_else(|_| Err("it panicked".into()));
    file.count(text("tier"), name.trim(), verdict);
}

/// The snippets of the guide for people who come from DSPy.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/from-dspy.md")]
struct FromDspy;
