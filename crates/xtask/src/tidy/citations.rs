//! What the repository cites of its own documents exists: the file, and the section behind `#`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Result;
use regex::Regex;

use super::{Finding, listed};

/// Where documents are cited.
const CITING: [&str; 8] = ["*.rs", "*.md", "*.toml", "*.sql", "*.wit", "*.in", ".ci/*", "*.yml"];

/// Citations of files and sections that do not exist.
///
/// Everywhere `docs/<file>.md` and `docs/<file>.md#<section>` count from the root; in Markdown, links count from their file.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let files: BTreeMap<String, String> = listed(&CITING)?
        .into_iter()
        .filter(|path| !path.starts_with("crates/xtask/src/tidy/"))
        .filter_map(|path| Some((path.clone(), fs::read_to_string(root.join(&path)).ok()?)))
        .collect();
    let from_the_root = Regex::new(r"\bdocs/(?:[\w-]+/)*[\w-]+\.md(?:#[\w-]+)?")?;
    let links = Regex::new(r"\]\(([^()\s:]*?\.md(?:#[\w-]+)?|#[\w-]+)\)")?;
    let mut findings = Vec::new();
    for (path, text) in &files {
        for (line, text) in text.lines().enumerate() {
            let cited = from_the_root.find_iter(text).map(|it| it.as_str().to_owned());
            let linked = links.captures_iter(text).filter(|_| path.ends_with(".md")).map(|it| resolved(path, &it[1]));
            for citation in cited.filter(|_| !path.ends_with(".md")).chain(linked) {
                if let Some(missing) = what_is_missing(&citation, &files, root) {
                    findings.push(format!("{path}:{}: {missing}", line + 1));
                }
            }
        }
    }
    Ok(findings)
}

/// A link in the file `path` as a citation from the root.
fn resolved(path: &str, link: &str) -> String {
    if link.starts_with('#') {
        return format!("{path}{link}");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn what_is_missing(citation: &str, files: &BTreeMap<String, String>, root: &Path) -> Option<String> {
    let (file, section) = citation.split_once('#').map_or((citation, None), |(file, section)| (file, Some(section)));
    let Some(text) = files.get(file) else {
        return (!root.join(file).is_file()).then(|| format!("{file} does not exist"));
    };
    let section = section?;
    (!sections(text).contains(section)).then(|| format!("{file} has no section #{section}"))
}

/// The anchors of a document's headings, as GitHub makes them: lower case, spaces as hyphens, punctuation left out.
fn sections(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == ' ';
    headings
        .filter(|heading| heading.starts_with(' '))
        .map(|heading| heading.trim().to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_cited_as_github_links_it() {
        let found = sections("# Spin, as we know it\n\ntext\n#no heading\n## Python's habits\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["pythons-habits", "spin-as-we-know-it"]);
    }

    #[test]
    fn a_link_counts_from_its_file() {
        for (path, link, citation) in [
            ("docs/spin.md", "#limits", "docs/spin.md#limits"),
            ("docs/spin.md", "performance.md", "docs/performance.md"),
            ("docs/decisions/0001-a.md", "../spin.md#limits", "docs/spin.md#limits"),
            ("README.md", "docs/ARCHITECTURE.md", "docs/ARCHITECTURE.md"),
        ] {
            assert_eq!(resolved(path, link), citation);
        }
    }

    #[test]
    fn a_missing_file_and_a_missing_section_are_found() {
        let files = BTreeMap::from([("docs/a.md".to_owned(), "## Here\n".to_owned())]);
        let missing = |citation| what_is_missing(citation, &files, Path::new("/nowhere"));
        assert_eq!(missing("docs/a.md"), None);
        assert_eq!(missing("docs/a.md#here"), None);
        assert_eq!(missing("docs/a.md#there").as_deref(), Some("docs/a.md has no section #there"));
        assert_eq!(missing("docs/b.md").as_deref(), Some("docs/b.md does not exist"));
    }
}
