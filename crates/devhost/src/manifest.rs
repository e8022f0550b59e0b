//! The part of Spin's manifest version 2 that the devhost understands; what it does not know is an error, as in Spin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

mod profile;

use profile::Profile;

/// A `spin.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: u32,
    /// The name and version of the application.
    pub(crate) application: Application,
    /// Application variables by name.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    trigger: BTreeMap<String, Vec<Trigger>>,
    /// Components by id.
    #[serde(default, rename = "component")]
    pub(crate) components: BTreeMap<String, Component>,
}

/// `[application]`; what only Spin's tools use is accepted and ignored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    /// Shown by `/.well-known/spin/info`.
    pub(crate) name: String,
    /// Shown by `/.well-known/spin/info`.
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    #[serde(default, rename = "trigger")]
    _trigger: BTreeMap<String, Table>,
    #[serde(default, rename = "tool")]
    _tool: BTreeMap<String, Table>,
}

/// An application variable: it has a default, or it is required.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    /// The value when no provider has one.
    pub(crate) default: Option<String>,
    /// Whether a provider must have a value.
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    /// Where requests come from.
    pub(crate) route: TriggerRoute,
    /// The component that answers.
    pub(crate) component: Option<String>,
    /// The host's own answer instead of a component's.
    pub(crate) static_response: Option<StaticResponse>,
    #[serde(default, rename = "id")]
    _id: String,
}

/// A path pattern, or a mark that only service chaining reaches the component.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TriggerRoute {
    /// `"/v1/..."`.
    Path(String),
    /// `{ private = true }`.
    Private(PrivateRoute),
}

/// `{ private = true }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivateRoute {
    private: bool,
}

/// What the host answers by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticResponse {
    /// 200 when absent.
    #[serde(default = "ok_status")]
    pub(crate) status_code: u16,
    /// Header values by name.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Empty when absent.
    pub(crate) body: Option<String>,
}

fn ok_status() -> u16 {
    200
}

/// `[component.<id>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    source: Value,
    /// Templates over application variables, by the component's own variable names.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    /// What `std::env::vars` shows in the component.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<Value>,
    /// Patterns of `scheme://host[:port]`, possibly templates.
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    /// Labels.
    #[serde(default)]
    pub(crate) key_value_stores: Vec<String>,
    /// Labels.
    #[serde(default)]
    pub(crate) sqlite_databases: Vec<String>,
    /// Whether dependencies may use all that the component may use.
    #[serde(default)]
    pub(crate) dependencies_inherit_configuration: bool,
    /// Components that satisfy imports, by the import's name.
    #[serde(default)]
    pub(crate) dependencies: BTreeMap<String, Dependency>,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "exclude_files")]
    _exclude_files: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    #[serde(default, rename = "build")]
    _build: Option<Table>,
    #[serde(default, rename = "tool")]
    _tool: BTreeMap<String, Table>,
    #[serde(default, rename = "profile")]
    profiles: BTreeMap<String, Profile>,
}

/// One of `[component.<id>.dependencies]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    path: Option<PathBuf>,
    component: Option<String>,
    /// The export that satisfies the import, when it has another name.
    pub(crate) export: Option<String>,
    #[serde(default)]
    inherit_configuration: Inheritance,
}

/// Which of its component's grants a dependency has.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Inheritance {
    /// All or none.
    All(bool),
    /// Those of the named sets, such as `allowed_outbound_hosts`.
    Some(Vec<String>),
}

impl Default for Inheritance {
    fn default() -> Self {
        Self::All(false)
    }
}

impl Manifest {
    /// Reads and checks the manifest at `path`, as the build profile wants it.
    pub(crate) fn load(path: &Path, profile: Option<&str>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, profile).with_context(|| format!("{} cannot be used", path.display()))
    }

    fn parse(text: &str, profile: Option<&str>) -> Result<Self> {
        let mut manifest: Self = toml::from_str(text)?;
        if let Some(profile) = profile {
            profile::select(&mut manifest.components, profile)?;
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The HTTP triggers, in the manifest's order.
    pub(crate) fn triggers(&self) -> &[Trigger] {
        self.trigger.get("http").map_or(&[], Vec::as_slice)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.spin_manifest_version == 2, "spin_manifest_version must be 2");
        if let Some(kind) = self.trigger.keys().find(|kind| *kind != "http") {
            bail!("the devhost knows only [[trigger.http]], not [[trigger.{kind}]]");
        }
        for (name, variable) in &self.variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "variable `{name}` needs either `default` or `required = true`"
            );
        }
        for trigger in self.triggers() {
            trigger.check(&self.components)?;
        }
        for (id, component) in &self.components {
            component.check(&self.components).with_context(|| format!("component `{id}`"))?;
        }
        Ok(())
    }

    /// Where the Wasm file of component `id` is, with relative paths resolved against `base`.
    pub(crate) fn source(&self, id: &str, base: &Path) -> Result<PathBuf> {
        let component = self.components.get(id).with_context(|| format!("there is no component `{id}`"))?;
        component.source(base)
    }

    /// Where the Wasm file of a dependency is, with relative paths resolved against `base`.
    pub(crate) fn dependency_source(&self, dependency: &Dependency, base: &Path) -> Result<PathBuf> {
        match (&dependency.path, &dependency.component) {
            (Some(path), None) => Ok(base.join(path)),
            (None, Some(id)) => self.source(id, base),
            _ => bail!("the devhost knows only dependencies with either `path` or `component`"),
        }
    }
}

impl Trigger {
    fn check(&self, components: &BTreeMap<String, Component>) -> Result<()> {
        if let TriggerRoute::Private(PrivateRoute { private: false }) = self.route {
            bail!("route must be a string pattern or `{{ private = true }}`");
        }
        match (&self.component, &self.static_response) {
            (Some(id), None) => {
                ensure!(components.contains_key(id), "a trigger names `{id}`, which is not a component")
            }
            (None, Some(_)) => {}
            _ => bail!("a trigger needs either `component` or `static_response`"),
        }
        Ok(())
    }
}

impl Component {
    fn check(&self, components: &BTreeMap<String, Component>) -> Result<()> {
        let of_profiles = self.profiles.values().flat_map(Profile::dependencies);
        for (name, dependency) in self.dependencies.iter().chain(of_profiles) {
            let known = dependency.component.as_ref().is_none_or(|id| components.contains_key(id));
            ensure!(known, "dependency `{name}` names a component that is not there");
            let selective = !matches!(dependency.inherit_configuration, Inheritance::All(false));
            ensure!(
                !(selective && self.dependencies_inherit_configuration),
                "dependency `{name}` has `inherit_configuration`, which `dependencies_inherit_configuration` excludes"
            );
        }
        for source in self.profiles.values().filter_map(Profile::source).chain([&self.source]) {
            local(source, Path::new(""))?;
        }
        self.mounts(Path::new("")).map(drop)
    }

    fn source(&self, base: &Path) -> Result<PathBuf> {
        local(&self.source, base)
    }

    /// What the dependency may use of this component's grants.
    pub(crate) fn inheritance(&self, dependency: &Dependency) -> Inheritance {
        if self.dependencies_inherit_configuration {
            Inheritance::All(true)
        } else {
            dependency.inherit_configuration.clone()
        }
    }

    /// Read-only directories as (on the host, in the guest).
    pub(crate) fn mounts(&self, base: &Path) -> Result<Vec<(PathBuf, String)>> {
        let mount = |file: &Value| match (file.get("source"), file.get("destination")) {
            (Some(Value::String(source)), Some(Value::String(guest))) => Ok((base.join(source), guest.clone())),
            _ => bail!("the devhost knows only `files` of the form {{ source = \"dir\", destination = \"/dir\" }}"),
        };
        self.files.iter().map(mount).collect()
    }
}

fn local(source: &Value, base: &Path) -> Result<PathBuf> {
    match source {
        Value::String(path) => Ok(base.join(path)),
        _ => bail!("the devhost knows only a `source` that is a path"),
    }
}

#[cfg(test)]
mod tests;
