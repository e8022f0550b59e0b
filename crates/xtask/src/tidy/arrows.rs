//! Arrows point one way: words <- ports <- capabilities <- ways in <- components.

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;
use crate::workspace;

/// How far out a package is; it may depend on what is further in, and capabilities may ask one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ring {
    Words,
    Ports,
    Capability,
    WayIn,
    Component,
    Tool,
}

const WORDS: [&str; 2] = ["fault", "ids"];
const WAYS_IN: [&str; 2] = ["edge", "step"];
const TOOLS: [&str; 6] = ["bench", "devhost", "goldens", "testkit", "xtask", "scenarios"];
/// Pure libraries, which know neither ports nor HTTP.
const PURE: [&str; 2] = ["predict", "optimize"];

fn ring(name: &str, folder: &str) -> Ring {
    match name {
        _ if WORDS.contains(&name) => Ring::Words,
        "host" => Ring::Ports,
        _ if WAYS_IN.contains(&name) => Ring::WayIn,
        _ if TOOLS.contains(&name) || folder.starts_with("tests") => Ring::Tool,
        _ if folder.starts_with("components/") => Ring::Component,
        _ => Ring::Capability,
    }
}

/// Arrows that point the wrong way.
pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let packages = metadata.workspace_packages();
    let rings: Vec<(&str, Ring)> = packages
        .iter()
        .map(|package| (package.name.as_str(), ring(&package.name, &workspace::folder_of(package))))
        .collect();
    let ring_of = |name: &str| rings.iter().find(|(known, _)| *known == name).map(|(_, ring)| *ring);
    let mut findings = Vec::new();
    for package in &packages {
        let name = package.name.as_str();
        let Some(from) = ring_of(name) else { continue };
        for dependency in package.dependencies.iter().filter(|it| it.kind == DependencyKind::Normal) {
            let to_name = dependency.name.as_str();
            if to_name == "spin-sdk" && !may_name_spin(name, from) {
                findings.push(format!("{name} names spin-sdk: only host, edge, step and entry points do"));
            }
            let Some(to) = ring_of(to_name) else { continue };
            let sideways = from == to && !matches!(from, Ring::Capability | Ring::Tool);
            let into_ports = PURE.contains(&name) && !PURE.contains(&to_name);
            if to > from || sideways || into_ports {
                findings.push(format!("{name} must not depend on {to_name}: arrows point from {from:?} inwards"));
            }
        }
    }
    findings
}

/// The adapter of steps and fixtures are doors of their own; everything else goes through `host`, `edge` and `step`.
fn may_name_spin(name: &str, ring: Ring) -> bool {
    matches!(name, "host" | "edge" | "step" | "step-adapter-component") || ring == Ring::Tool
}
