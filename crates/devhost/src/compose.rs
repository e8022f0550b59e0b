//! Component dependencies: satisfies a component's imports with other components' exports, as Spin does
//! (`docs/spin.md#component-dependencies`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::denial;
use crate::manifest::{Component, Inheritance, Manifest};

/// Reads the component `id` and composes it with its dependencies, if it has any.
pub(crate) fn load(manifest: &Manifest, id: &str, component: &Component, base: &Path) -> Result<Vec<u8>> {
    let bytes = read(&manifest.source(id, base)?)?;
    if component.dependencies.is_empty() {
        return Ok(bytes);
    }
    let mut composition = Composition::default();
    let (world, instance) = composition.instantiate(id, bytes)?;
    let imports: Vec<String> = composition.graph.types()[world].imports.keys().cloned().collect();
    let mut satisfied = BTreeMap::new();
    for (name, dependency) in &component.dependencies {
        let matching: Vec<&String> = imports.iter().filter(|import| matches(name, import)).collect();
        ensure!(!matching.is_empty(), "dependency `{name}` doesn't match any import of component `{id}`");

        let bytes = read(&manifest.dependency_source(dependency, base)?)?;
        let provider = composition.instantiate(name.split('@').next().unwrap_or(name), bytes)?;
        composition.deny(provider, &component.inheritance(dependency))?;
        for import in matching {
            if let Some(other) = satisfied.insert(import, name) {
                anyhow::bail!("import `{import}` of component `{id}` is satisfied by both `{other}` and `{name}`");
            }
            let export = dependency.export.as_ref().unwrap_or(import);
            composition.connect((world, instance), import, provider, export)?;
        }
    }
    composition.finish(world, instance)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {} (is it built?)", path.display()))
}

/// Whether a dependency's name, which may leave out the version or the interface, means this import.
fn matches(dependency: &str, import: &str) -> bool {
    let parts = |name: &str| -> (String, Option<String>, Option<String>) {
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (name, None),
        };
        let (package, interface) = match path.split_once('/') {
            Some((package, interface)) => (package, Some(interface.to_owned())),
            None => (path, None),
        };
        (package.to_owned(), interface, version)
    };
    let ((package, interface, version), (of_package, of_interface, of_version)) = (parts(dependency), parts(import));
    package == of_package
        && (interface.is_none() || interface == of_interface)
        && (version.is_none() || version == of_version)
}

#[derive(Default)]
struct Composition {
    graph: CompositionGraph,
    denied: BTreeMap<&'static str, NodeId>,
}

type Instantiated = (WorldId, NodeId);

impl Composition {
    fn instantiate(&mut self, name: &str, bytes: Vec<u8>) -> Result<Instantiated> {
        let package = Package::from_bytes(name, None, bytes, self.graph.types_mut());
        let package = package.with_context(|| format!("`{name}` is no component"))?;
        let world = package.ty();
        let package = self.graph.register_package(package)?;
        Ok((world, self.graph.instantiate(package)))
    }

    /// Gives a dependency, for each interface whose grants it does not inherit, one that refuses every call.
    fn deny(&mut self, (world, instance): Instantiated, inheritance: &Inheritance) -> Result<()> {
        let imports = self.graph.types()[world].imports.clone();
        for (import, kind) in imports {
            let Some(denied) = denial::for_import(&import, inheritance) else { continue };
            let node = match self.denied.get(denied) {
                Some(node) => *node,
                None => *self.denied.entry(denied).or_insert(self.graph.import(denied, kind)?),
            };
            self.graph.set_instantiation_argument(instance, &import, node)?;
        }
        Ok(())
    }

    fn connect(
        &mut self,
        (world, instance): Instantiated,
        import: &str,
        (provider_world, provider): Instantiated,
        export: &str,
    ) -> Result<()> {
        let types = self.graph.types();
        let exported = types[provider_world].exports.get(export);
        let exported =
            *exported.with_context(|| format!("the dependency for `{import}` does not export `{export}`"))?;
        let imported = types[world].imports[import];
        let mut cache = Default::default();
        SubtypeChecker::new(&mut cache)
            .is_subtype(exported, types, imported, types)
            .with_context(|| format!("the dependency's export `{export}` does not fit the import `{import}`"))?;
        let export = self.graph.alias_instance_export(provider, export)?;
        self.graph.set_instantiation_argument(instance, import, export)?;
        Ok(())
    }

    fn finish(mut self, world: WorldId, instance: NodeId) -> Result<Vec<u8>> {
        let exports: Vec<String> = self.graph.types()[world].exports.keys().cloned().collect();
        for name in exports {
            let export = self.graph.alias_instance_export(instance, &name)?;
            self.graph.export(export, &name)?;
        }
        self.graph.encode(EncodeOptions::default()).context("the composition cannot be encoded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_may_leave_out_what_it_does_not_care_for() {
        for (dependency, import, fits) in [
            ("kowai:step/step@0.1.0", "kowai:step/step@0.1.0", true),
            ("kowai:step/step", "kowai:step/step@0.1.0", true),
            ("kowai:step", "kowai:step/step@0.1.0", true),
            ("kowai:step@0.1.0", "kowai:step/step@0.1.0", true),
            ("kowai:step@0.2.0", "kowai:step/step@0.1.0", false),
            ("kowai:step/other", "kowai:step/step@0.1.0", false),
            ("kowai:step/step@0.1.0", "kowai:step/step", false),
            ("kowai", "kowai:step/step", false),
            ("plain", "plain", true),
        ] {
            assert_eq!(matches(dependency, import), fits, "{dependency} {import}");
        }
    }
}
