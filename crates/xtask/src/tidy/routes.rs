//! Every component's test lists its routes with their guards, and people are told of all of them: on the page of the component
//! `docs` and in README.md.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};

use super::{Finding, Source};

/// What people are told, an endpoint in each line.
const LIST: &str = "components/docs/src/endpoints.txt";

/// The test of a component that lists its routes, and so the end of its snapshot's name.
const TEST: &str = "every_route_has_its_guard";

/// Components whose routes no test lists, routes of which nobody is told, and endpoints that are none.
pub(super) fn check(sources: &[Source], root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut served = BTreeSet::new();
    for component in sources.iter().filter(|source| source.text.contains("edge::component!")).filter_map(folder_of) {
        match golden(&root.join(component))? {
            Some(golden) => served.extend(public(&golden)),
            None => findings.push(format!("{component}: no test `{TEST}` lists its routes with their guards")),
        }
    }
    let list = fs::read_to_string(root.join(LIST)).context(LIST)?;
    let readme = fs::read_to_string(root.join("README.md"))?;
    findings.extend(compare(&served, &list, &readme));
    Ok(findings)
}

/// The folder of the component that `source` is the root of.
fn folder_of(source: &Source) -> Option<&str> {
    source.path.strip_suffix("/src/lib.rs").filter(|folder| folder.starts_with("components/"))
}

/// The golden list of a component's routes.
fn golden(component: &Path) -> Result<Option<String>> {
    let Ok(snapshots) = fs::read_dir(component.join("src/snapshots")) else { return Ok(None) };
    for snapshot in snapshots {
        let path = snapshot?.path();
        if path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(TEST)) {
            return Ok(Some(fs::read_to_string(path)?));
        }
    }
    Ok(None)
}

/// The routes of a golden list that can be reached from outside, as the list of endpoints has them: `GET /v1/me | signed in`.
fn public(golden: &str) -> impl Iterator<Item = String> {
    let routes = golden.splitn(3, "---").nth(2).unwrap_or_default().lines();
    routes.filter_map(|route| {
        let (method, rest) = route.split_once(' ')?;
        let (path, guard) = rest.trim_start().split_once(' ')?;
        // What becomes of a POST that is sent twice is said elsewhere.
        let guard = guard.trim_start().split(',').next()?;
        (guard != "private").then(|| format!("{method} {path} | {guard}"))
    })
}

fn compare(served: &BTreeSet<String>, list: &str, readme: &str) -> Vec<Finding> {
    let told: Vec<(&str, &str)> = list.lines().filter_map(|line| line.rsplit_once(" | ")).collect();
    let known: BTreeSet<&str> = told.iter().map(|(endpoint, _)| *endpoint).collect();
    let lost = served.iter().filter(|route| !known.contains(route.as_str()));
    let mut findings: Vec<Finding> = lost.map(|route| format!("{LIST} does not tell of {route}")).collect();
    let idle = known.iter().filter(|endpoint| !served.contains(**endpoint));
    findings.extend(idle.map(|endpoint| format!("{LIST} tells of {endpoint}, which no component serves")));
    for (endpoint, summary) in told {
        let (endpoint, guard) = endpoint.split_once(" | ").unwrap_or((endpoint, ""));
        let row = format!("| `{endpoint}` | {guard} | {summary} |");
        if !readme.lines().any(|line| line == row) {
            findings.push(format!("README.md lacks the row {row}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = "---\nsource: x\nexpression: y\n---\nGET    /a/{id}/b signed in\nPOST   /a    public, repeatable\nGET    /c    private\n";

    #[test]
    fn private_routes_are_nobodys_business() {
        assert_eq!(public(GOLDEN).collect::<Vec<_>>(), ["GET /a/{id}/b | signed in", "POST /a | public"]);
    }

    #[test]
    fn what_is_served_and_what_is_told_are_the_same() {
        let served: BTreeSet<String> = public(GOLDEN).collect();
        let list = "GET /a/{id}/b | signed in | Reads.\nPOST /a | signed in | Writes.\n";
        let readme = "| `GET /a/{id}/b` | signed in | Reads. |\n| `POST /a` | public | Writes. |\n";
        assert_eq!(
            compare(&served, list, readme),
            [
                format!("{LIST} does not tell of POST /a | public"),
                format!("{LIST} tells of POST /a | signed in, which no component serves"),
                "README.md lacks the row | `POST /a` | signed in | Writes. |".to_owned(),
            ]
        );
        assert!(
            compare(&served, &list.replace("/a | signed", "/a | public").replace("public in", "public"), readme)
                .is_empty()
        );
    }
}
