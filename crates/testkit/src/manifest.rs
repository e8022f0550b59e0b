//! The application's `spin.toml` with the components that only tests use, in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use toml::{Table, Value};

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// Writes `spin.toml` joined with `tests/fixtures/spin.toml` into `folder` and says where it is.
pub(crate) fn write(folder: &Path) -> Result<PathBuf> {
    let mut manifest = read(&root().join("spin.toml"))?;
    let fixtures = read(&root().join("tests/fixtures/spin.toml"))?;
    for (key, value) in fixtures {
        join(&mut manifest, key, value);
    }
    make_absolute(&mut manifest);
    let file = folder.join("spin.toml");
    fs::write(&file, toml::to_string(&manifest)?)?;
    Ok(file)
}

fn read(file: &Path) -> Result<Table> {
    fs::read_to_string(file)?.parse().with_context(|| file.display().to_string())
}

/// Tables are joined, lists are appended, everything else is replaced.
fn join(into: &mut Table, key: String, value: Value) {
    match (into.get_mut(&key), value) {
        (Some(Value::Table(table)), Value::Table(more)) => {
            for (key, value) in more {
                join(table, key, value);
            }
        }
        (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
        (_, value) => {
            into.insert(key, value);
        }
    }
}

/// Paths in a manifest are relative to it, and this one is elsewhere. Nothing is built from it, in no profile.
fn make_absolute(manifest: &mut Table) {
    let components = manifest.get_mut("component").and_then(Value::as_table_mut);
    for component in components.into_iter().flat_map(|table| table.iter_mut()).filter_map(|(_, it)| it.as_table_mut()) {
        component.remove("build");
        component.remove("profile");
        make_path_absolute(component.get_mut("source"));
        let dependencies = component.get_mut("dependencies").and_then(Value::as_table_mut);
        for (_, dependency) in dependencies.into_iter().flat_map(|table| table.iter_mut()) {
            make_path_absolute(dependency.get_mut("path"));
        }
    }
}

fn make_path_absolute(path: Option<&mut Value>) {
    if let Some(Value::String(path)) = path {
        let built = path.strip_prefix("target/").map(|rest| target_folder().join(rest));
        *path = built.unwrap_or_else(|| root().join(path.as_str())).display().to_string();
    }
}

/// Where cargo puts what it builds, unless it was told otherwise.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
