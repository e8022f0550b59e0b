//! One name, everywhere: folder, package, component id and wasm file.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use cargo_metadata::Metadata;

use super::Finding;
use crate::workspace;

/// Names that say nothing.
const EMPTY_WORDS: [&str; 7] = ["utils", "helpers", "common", "manager", "models", "types", "errors"];

/// Names that differ from what they should be.
pub(super) fn check(metadata: &Metadata, root: &Path) -> Result<Vec<Finding>> {
    let manifest: toml::Table = fs::read_to_string(root.join("spin.toml"))?.parse().context("spin.toml")?;
    let components = manifest.get("component").and_then(toml::Value::as_table).context("spin.toml has components")?;
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let folder = workspace::folder_of(package);
        let expected = expected_package(&folder);
        if package.name.as_str() != expected {
            findings.push(format!("{folder}: the package is called {}, not {expected}", package.name));
        }
        if let Some(id) = component_id(&folder)
            && !components.contains_key(&id)
        {
            findings.push(format!("{folder}: spin.toml has no component {id}"));
        }
        for target in package.targets.iter().flat_map(|target| target.src_path.file_stem()) {
            if EMPTY_WORDS.contains(&target) {
                findings.push(format!("{folder}: {target} is a name that says nothing"));
            }
        }
    }
    for id in components.keys() {
        let folder =
            id.strip_prefix("step-").map_or(format!("components/{id}"), |step| format!("components/steps/{step}"));
        if !root.join(&folder).is_dir() {
            findings.push(format!("spin.toml: the component {id} has no folder {folder}"));
        }
    }
    Ok(findings)
}

fn expected_package(folder: &str) -> String {
    match folder {
        "tests" => "scenarios".to_owned(),
        _ => match (folder.strip_prefix("components/"), folder.rsplit('/').next()) {
            (Some(rest), _) => format!("{}-component", rest.replace("steps/", "step-")),
            (None, Some(last)) if folder.starts_with("tests/fixtures/") => format!("{last}-fixture"),
            (None, last) => last.unwrap_or(folder).to_owned(),
        },
    }
}

/// The id in `spin.toml` of the component in `folder`; the adapter has none of its own.
fn component_id(folder: &str) -> Option<String> {
    match folder.strip_prefix("components/")? {
        "step-adapter" => None,
        rest => Some(rest.replace("steps/", "step-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_decides_the_name() {
        for (folder, package, component) in [
            ("crates/host", "host", None),
            ("tests", "scenarios", None),
            ("tests/fixtures/hello", "hello-fixture", None),
            ("components/auth", "auth-component", Some("auth")),
            ("components/step-adapter", "step-adapter-component", None),
            ("components/steps/transform", "step-transform-component", Some("step-transform")),
        ] {
            assert_eq!(expected_package(folder), package);
            assert_eq!(component_id(folder).as_deref(), component);
        }
    }
}
