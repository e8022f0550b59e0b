//! Variables: templates, where values come from, and what each component sees.
//!
//! Spin asks its providers at every read. The devhost's providers cannot change while it runs, so it asks once.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::bindings::variables::Error;
use crate::manifest::Manifest;
use crate::runtime_config::{RuntimeConfig, VariablesProvider};

const DEFAULT_PREFIX: &str = "SPIN_VARIABLE";

/// Text with `{{ name }}` in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    pub(crate) fn parse(mut text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        while let Some((before, after)) = text.split_once("{{") {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (name, rest) = after.split_once("}}").context("unmatched '{{' in template")?;
            parts.push(Part::Name(name.trim().to_owned()));
            text = rest;
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether there is no name to fill in.
    pub(crate) fn is_literal(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    pub(crate) fn render(&self, values: &Values) -> Result<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Ok(text.as_str()),
                Part::Name(name) => {
                    values.0.get(name).map(String::as_str).with_context(|| format!("unknown variable {name:?}"))
                }
            })
            .collect()
    }
}

/// The values of the application's variables.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<String, String>);

impl Values {
    /// Asks the command line, the runtime configuration's providers, the environment (with `.env`), and the defaults, in
    /// this order (`docs/spin.md#variables`). A required variable without a value is an error.
    pub(crate) fn resolve(manifest: &Manifest, runtime: &RuntimeConfig, command_line: &[String]) -> Result<Self> {
        let mut providers = vec![Provider::Static(from_command_line(command_line)?)];
        for provider in &runtime.variables_providers {
            providers.push(match provider {
                VariablesProvider::Static { values } => Provider::Static(values.clone()),
                VariablesProvider::Env { prefix, dotenv_path } => {
                    Provider::environment(prefix.as_deref().unwrap_or(DEFAULT_PREFIX), dotenv_path.as_deref())?
                }
            });
        }
        providers.push(Provider::environment(DEFAULT_PREFIX, Some(Path::new(".env")))?);

        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            check_name(name).map_err(|reason| anyhow::anyhow!("variable {name:?}: {reason}"))?;
            match providers.iter().find_map(|p| p.get(name)).or_else(|| variable.default.clone()) {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(name.as_str()),
            }
        }
        ensure!(missing.is_empty(), "no provider resolved required variable(s): {}", missing.join(", "));
        Ok(Self(values))
    }

    /// What a component with these templates sees.
    pub(crate) fn for_component(&self, id: &str, templates: &BTreeMap<String, String>) -> Result<ComponentVariables> {
        let mut values = BTreeMap::new();
        for (name, template) in templates {
            check_name(name).map_err(|reason| anyhow::anyhow!("variable {name:?}: {reason}"))?;
            let value = Template::parse(template).and_then(|t| t.render(self));
            values.insert(name.clone(), value.with_context(|| format!("variable `{name}` of component `{id}`"))?);
        }
        Ok(ComponentVariables { component: id.to_owned(), values })
    }
}

/// The variables of one component.
#[derive(Debug)]
pub(crate) struct ComponentVariables {
    component: String,
    values: BTreeMap<String, String>,
}

impl ComponentVariables {
    pub(crate) fn get(&self, name: &str) -> Result<String, Error> {
        check_name(name).map_err(|reason| Error::InvalidName(format!("{name:?}: {reason}")))?;
        let value = self.values.get(name);
        value.cloned().ok_or_else(|| Error::Undefined(format!("no variable for {:?}.{name:?}", self.component)))
    }
}

enum Provider {
    Static(BTreeMap<String, String>),
    Environment { prefix: String, dotenv: BTreeMap<String, String> },
}

impl Provider {
    fn environment(prefix: &str, dotenv: Option<&Path>) -> Result<Self> {
        // As in Spin, a file that is not there is an empty one, and a broken line is an error.
        let dotenv = match dotenv.map(dotenvy::from_path_iter) {
            Some(Ok(lines)) => lines.collect::<Result<_, _>>().context("cannot read the .env file")?,
            Some(Err(_)) | None => BTreeMap::new(),
        };
        Ok(Self::Environment { prefix: prefix.to_owned(), dotenv })
    }

    fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Static(values) => values.get(name).cloned(),
            Self::Environment { prefix, dotenv } => {
                let name = format!("{prefix}_{}", name.to_ascii_uppercase());
                std::env::var(&name).ok().or_else(|| dotenv.get(&name).cloned())
            }
        }
    }
}

/// Reads `name=value`, `name=@file`, `@file.json` and `@file.toml`.
fn from_command_line(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let mut values = BTreeMap::new();
    for argument in arguments {
        if let Some(path) = argument.strip_prefix('@') {
            let text = read(path)?;
            let several: BTreeMap<String, String> = match Path::new(path).extension().and_then(|e| e.to_str()) {
                Some("json") => serde_json::from_str(&text).with_context(|| format!("cannot parse {path}"))?,
                Some("toml") => toml::from_str(&text).with_context(|| format!("cannot parse {path}"))?,
                _ => bail!("--variable @{path}: the file must end in .json or .toml"),
            };
            values.extend(several);
        } else {
            let (name, value) = argument.split_once('=').with_context(|| {
                format!("--variable {argument}: must be name=value, name=@file, @file.json or @file.toml")
            })?;
            let value = value.strip_prefix('@').map_or_else(|| Ok(value.to_owned()), read)?;
            values.insert(name.to_owned(), value);
        }
    }
    Ok(values)
}

/// Lower snake case, as Spin wants it, so that a name can be a file's or an environment variable's.
fn check_name(name: &str) -> Result<(), String> {
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')) {
        return Err(format!(
            "invalid character {wrong:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        ));
    }
    let reason = match name {
        "" => "must not be empty",
        _ if !name.starts_with(|c: char| c.is_ascii_lowercase()) => "must start with a lowercase ASCII letter",
        _ if name.ends_with('_') => "must end with a lowercase ASCII letter or digit",
        _ if name.contains("__") => "must not contain multiple consecutive underscores",
        _ => return Ok(()),
    };
    Err(reason.to_owned())
}

#[cfg(test)]
pub(crate) fn values(pairs: &[(&str, &str)]) -> Values {
    Values(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fill_in_names_and_nothing_else() {
        let values = values(&[("host", "db"), ("port", "3306")]);
        for (template, rendered) in [
            ("", ""),
            ("plain", "plain"),
            ("mysql://{{ host }}:{{port}}/x", "mysql://db:3306/x"),
            ("{{host}}{{host}}", "dbdb"),
            ("} }} {", "} }} {"),
        ] {
            assert_eq!(Template::parse(template).unwrap().render(&values).unwrap(), rendered);
        }
        assert!(Template::parse("a {{ b").is_err());
        assert!(Template::parse("{{ nobody }}").unwrap().render(&values).is_err());
        assert!(Template::parse("{{ host | upper }}").unwrap().render(&values).is_err());
    }

    #[test]
    fn a_component_sees_only_its_own_variables() {
        let values = values(&[("region", "eu")]);
        let templates = BTreeMap::from([("api".to_owned(), "https://{{ region }}.example.com".to_owned())]);
        let seen = values.for_component("chat", &templates).unwrap();
        assert_eq!(seen.get("api").unwrap(), "https://eu.example.com");
        assert!(
            matches!(seen.get("region"), Err(Error::Undefined(text)) if text == r#"no variable for "chat"."region""#)
        );
        assert!(matches!(seen.get("Region"), Err(Error::InvalidName(_))));
    }

    #[test]
    fn the_command_line_comes_first_and_the_default_last() {
        let manifest: Manifest = toml::from_str(
            "spin_manifest_version = 2\n[application]\nname = \"x\"\n[trigger]\n[variables]\n\
             a = { default = \"default\" }\nb = { default = \"default\" }\nc = { required = true }\n",
        )
        .unwrap();
        let runtime: RuntimeConfig =
            toml::from_str("[[variables_provider]]\ntype = \"static\"\nvalues = { a = \"file\", c = \"file\" }")
                .unwrap();
        let all = Values::resolve(&manifest, &runtime, &["a=line".to_owned()]).unwrap();
        assert_eq!((&*all.0["a"], &*all.0["b"], &*all.0["c"]), ("line", "default", "file"));

        let error = Values::resolve(&manifest, &RuntimeConfig::default(), &[]).unwrap_err().to_string();
        assert_eq!(error, "no provider resolved required variable(s): c");
    }
}
