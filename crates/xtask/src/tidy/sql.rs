//! SQL lives only in files called `repo.rs`, below a folder called `repo`, in `migrations/`, and in the port itself.

use anyhow::Result;
use regex::Regex;

use super::{Finding, Source, is_test};

/// Statements that are not where statements belong.
pub(super) fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let statement = Regex::new(
        r#""\s*(SELECT\s|INSERT INTO\s|UPDATE \w+ SET\s|DELETE FROM\s|CREATE TABLE\s|ALTER TABLE\s|REPLACE INTO\s)"#,
    )?;
    let may = |path: &str| {
        is_test(path)
            || path.ends_with("/repo.rs")
            || path.contains("/repo/")
            || path.starts_with("crates/host/")
            || path.starts_with("crates/bench/")
            || path.starts_with("crates/xtask/")
    };
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !may(&source.path)) {
        for (line, text) in source.text.lines().enumerate() {
            if statement.is_match(text) {
                findings.push(format!("{}:{}: SQL belongs into repo.rs", source.path, line + 1));
            }
        }
    }
    Ok(findings)
}
