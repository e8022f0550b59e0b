//! Build profiles: what `--profile NAME` changes in components (`docs/spin.md#build-profiles`).

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Deserialize;
use toml::Value;

use super::{Component, Dependency};

/// `[component.<id>.profile.<name>]`; nothing else of a component depends on the profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    source: Option<Value>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
    #[serde(default, rename = "build")]
    _build: Option<Build>,
}

/// How `spin build` builds the profile, which is not for the devhost to do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: Value,
}

impl Profile {
    pub(super) fn source(&self) -> Option<&Value> {
        self.source.as_ref()
    }

    pub(super) fn dependencies(&self) -> impl Iterator<Item = (&String, &Dependency)> {
        self.dependencies.iter()
    }
}

/// Gives components what their profile of this name says. Those that have none stay as they are; that no component has one is
/// taken for a mistyped name.
pub(super) fn select(components: &mut BTreeMap<String, Component>, name: &str) -> Result<()> {
    let is_defined = components.values().any(|component| component.profiles.contains_key(name));
    ensure!(is_defined, "Profile {name} is not defined in this application");
    for component in components.values_mut() {
        let Some(profile) = component.profiles.remove(name) else { continue };
        if let Some(source) = profile.source {
            component.source = source;
        }
        component.environment.extend(profile.environment);
        component.dependencies.extend(profile.dependencies);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::manifest::Manifest;

    const TWO_COMPONENTS: &str = r#"
spin_manifest_version = 2
[application]
name = "app"
[trigger]
[component.plain]
source = "plain.wasm"
[component.hello]
source = "hello.wasm"
environment = { COLOUR = "blue", SIZE = "small" }
dependencies = { "a:b/c" = { path = "c.wasm" }, "a:b/d" = { path = "d.wasm" } }
[component.hello.profile.debug]
source = "debug/hello.wasm"
environment = { COLOUR = "red" }
dependencies = { "a:b/c" = { path = "debug/c.wasm" } }
build.command = ["make hello", "make c"]
"#;

    fn manifest(profile: Option<&str>) -> Manifest {
        Manifest::parse(TWO_COMPONENTS, profile).unwrap()
    }

    /// Source, environment and dependencies of `hello`, and the source of `plain`.
    fn shown(manifest: &Manifest) -> [String; 4] {
        let base = Path::new("");
        let hello = &manifest.components["hello"];
        let paths = hello.dependencies.values().map(|it| manifest.dependency_source(it, base).unwrap());
        let source = |id| manifest.source(id, base).unwrap().display().to_string();
        [
            source("hello"),
            format!("{:?}", hello.environment),
            format!("{:?}", paths.collect::<Vec<_>>()),
            source("plain"),
        ]
    }

    #[test]
    fn a_profile_replaces_what_it_names_and_leaves_the_rest() {
        let plain = ["hello.wasm", r#"{"COLOUR": "blue", "SIZE": "small"}"#, r#"["c.wasm", "d.wasm"]"#, "plain.wasm"];
        assert_eq!(shown(&manifest(None)), plain);
        let debug = [
            "debug/hello.wasm",
            r#"{"COLOUR": "red", "SIZE": "small"}"#,
            r#"["debug/c.wasm", "d.wasm"]"#,
            "plain.wasm",
        ];
        assert_eq!(shown(&manifest(Some("debug"))), debug);
    }

    #[test]
    fn a_profile_that_no_component_has_is_a_mistake() {
        let error = Manifest::parse(TWO_COMPONENTS, Some("deugb")).unwrap_err();
        assert_eq!(error.to_string(), "Profile deugb is not defined in this application");
    }

    #[test]
    fn a_profile_is_checked_also_where_it_is_not_asked_for() {
        for (line, named) in [
            ("variables = { a = \"b\" }", "unknown field `variables`"),
            ("build.workdir = \"x\"", "unknown field `workdir`"),
            ("source = { url = \"https://x\" }", "only a `source` that is a path"),
            ("dependencies = { \"a:b/c\" = { component = \"nobody\" } }", "names a component that is not there"),
        ] {
            let text = format!("{TWO_COMPONENTS}[component.plain.profile.debug]\n{line}\n");
            let error = format!("{:#}", Manifest::parse(&text, None).unwrap_err());
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
