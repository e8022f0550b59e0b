//! The README's table of settings is the one of `spin.toml`: the same names, the same defaults.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Finding;

/// Settings that only one of the two knows, or whose default differs.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let manifest: Table = fs::read_to_string(root.join("spin.toml"))?.parse().context("spin.toml")?;
    Ok(compare(&settings(&manifest), &described(&fs::read_to_string(root.join("README.md"))?)))
}

fn compare(settings: &BTreeMap<String, String>, described: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, default) in settings {
        match described.get(name) {
            None => findings.push(format!("README.md: the setting {name} is missing")),
            Some(told) if told != default => {
                findings.push(format!("README.md: the default of {name} is {default:?}, not {told:?}"));
            }
            Some(_) => {}
        }
    }
    let gone = described.keys().filter(|name| !settings.contains_key(*name));
    findings.extend(gone.map(|name| format!("README.md: spin.toml has no setting {name}")));
    findings
}

/// The settings of `spin.toml` with their defaults; one without a default has an empty one here.
fn settings(manifest: &Table) -> BTreeMap<String, String> {
    let variables = manifest.get("variables").and_then(Value::as_table).into_iter().flatten();
    let default = |value: &Value| value.get("default").and_then(Value::as_str).unwrap_or_default().to_owned();
    variables.map(|(name, value)| (name.clone(), default(value))).collect()
}

/// The rows of the table that begins with `| setting |`. A row may be about several settings of one default.
fn described(readme: &str) -> BTreeMap<String, String> {
    let rows = readme.lines().skip_while(|line| !line.starts_with("| setting |")).skip(2);
    let mut described = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, names, default, ..] = cells[..] else { continue };
        for name in names.split(',') {
            described.insert(name.trim().trim_matches('`').to_owned(), default.trim_matches('`').to_owned());
        }
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_one_side_lacks_or_gives_another_default_is_found() {
        let manifest = "variables = { a = { default = \"1\" }, b = { default = \"\" }, c = { default = \"x\" } }";
        let readme =
            "text\n| setting | default | what it is |\n| --- | --- | --- |\n| `a`, `b` | | two |\n| `d` | `y` | |\n\n";
        assert_eq!(
            compare(&settings(&manifest.parse().unwrap()), &described(readme)),
            [
                "README.md: the default of a is \"1\", not \"\"",
                "README.md: the setting c is missing",
                "README.md: spin.toml has no setting d",
            ]
        );
    }
}
