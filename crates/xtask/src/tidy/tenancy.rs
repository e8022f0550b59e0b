//! Every statement says whose rows it means: it names the workspace, or a comment above it says why it need not.

use std::collections::BTreeMap;

use anyhow::Result;
use regex::Regex;
use syn::visit::Visit;

use super::{Finding, Source, code, is_test};

/// What such a comment begins with.
const REASON: &str = "// No workspace:";

/// Statements without a workspace, of whom nobody says why.
pub(super) fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let rules = Rules::new()?;
    let in_repos = |path: &str| (path.ends_with("/repo.rs") || path.contains("/repo/")) && !is_test(path);
    let files: Vec<(&Source, syn::File)> = sources
        .iter()
        .filter(|source| in_repos(&source.path))
        .filter_map(|source| Some((source, syn::parse_file(&source.text).ok()?)))
        .collect();
    let everybodys: BTreeMap<String, String> = files.iter().flat_map(|(_, file)| constants(file)).collect();
    let mut findings = Vec::new();
    for (source, file) in &files {
        // What a file calls by a name of its own counts before what others call so.
        let mut known = everybodys.clone();
        known.extend(constants(file));
        let mut statements = Statements::default();
        statements.visit_file(file);
        for (line, text) in statements.found {
            if rules.is_open(&text, &known) && !has_reason(&source.text, line) {
                findings.push(format!("{}:{line}: the statement names no workspace ({REASON} ...)", source.path));
            }
        }
    }
    Ok(findings)
}

struct Rules {
    statement: Regex,
    insert: Regex,
    condition: Regex,
    constant: Regex,
}

impl Rules {
    fn new() -> Result<Self> {
        Ok(Self {
            statement: Regex::new(r"^\s*(WITH|SELECT|INSERT|REPLACE|UPDATE|DELETE)\s")?,
            insert: Regex::new(r"^\s*(INSERT|REPLACE)\s[^)]*\bworkspace_id\b")?,
            condition: Regex::new(r"\bworkspace_id\s*(=\s*\?|IN\s*\()")?,
            constant: Regex::new(r"\{([A-Z_]+)\}")?,
        })
    }

    /// Whether this is a statement that does not say whose rows it means.
    fn is_open(&self, text: &str, constants: &BTreeMap<String, String>) -> bool {
        let full = self
            .constant
            .replace_all(text, |found: &regex::Captures<'_>| constants.get(&found[1]).cloned().unwrap_or_default());
        self.statement.is_match(&full) && !self.insert.is_match(&full) && !self.condition.is_match(&full)
    }
}

/// Whether the comment that ends just above the statement beginning in `line` gives a reason. Between them there may be the line
/// or two of code that the statement is an argument of.
fn has_reason(text: &str, line: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(line.saturating_sub(1)).map(str::trim).collect();
    let above = lines.iter().rev();
    let code = above.clone().take_while(|line| !line.starts_with("//")).count();
    code <= 2 && above.skip(code).take_while(|line| line.starts_with("//")).any(|line| line.starts_with(REASON))
}

/// The texts of a file's constants.
fn constants(file: &syn::File) -> Vec<(String, String)> {
    let named = |item: &syn::Item| {
        let syn::Item::Const(item) = item else { return None };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &*item.expr else { return None };
        Some((item.ident.to_string(), text.value()))
    };
    file.items.iter().filter_map(named).collect()
}

/// All texts of a file, with the lines they begin in.
#[derive(Default)]
struct Statements {
    found: Vec<(usize, String)>,
}

impl<'ast> Visit<'ast> for Statements {
    code::skip_attributes_and_tests!();

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.found.push((text.span().start().line, text.value()));
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        for tree in mac.tokens.clone() {
            let line = tree.span().start().line;
            if let proc_macro2::TokenTree::Literal(literal) = tree
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
            {
                self.found.push((line, text.value()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_repo(text: &str) -> Vec<Finding> {
        check(&[Source { path: "crates/a/src/repo.rs".into(), text: text.into() }]).unwrap()
    }

    #[test]
    fn a_statement_without_a_workspace_is_found() {
        for statement in [
            "SELECT name FROM users WHERE id = ?",
            "SELECT u.workspace_id FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE u.id = ?",
            "UPDATE users SET name = ? WHERE id = ?",
            "DELETE FROM users WHERE id = ?",
            "INSERT INTO users (id) VALUES (?)",
        ] {
            let expected = ["crates/a/src/repo.rs:2: the statement names no workspace (// No workspace: ...)"];
            assert_eq!(check_repo(&format!("fn f() {{\n    g(\"{statement}\");\n}}")), expected, "{statement}");
            assert_eq!(check_repo(&format!("fn f() {{\n    format!(\"{statement}\");\n}}")), expected, "{statement}");
        }
    }

    #[test]
    fn a_statement_with_one_passes() {
        for statement in [
            "SELECT name FROM users u WHERE u.workspace_id = ? AND id = ?",
            "INSERT INTO users (id, workspace_id) VALUES (?, ?)",
            "DELETE FROM users WHERE {MINE}",
            "only words",
        ] {
            let text = format!("const MINE: &str = \"workspace_id = ?\";\nfn f() {{ format!(\"{statement}\"); }}");
            assert_eq!(check_repo(&text), Vec::<Finding>::new(), "{statement}");
        }
    }

    #[test]
    fn a_reason_above_the_statement_is_enough_and_one_further_up_is_not() {
        let statement = "g(\"DELETE FROM users WHERE id = ?\");";
        for (between, findings) in [("", 0), ("let a = h();\n", 0), ("// and more\n", 0), ("a();\nb();\nc();\n", 1)] {
            let text = format!("fn f() {{\n// No workspace: it is unknown yet.\n{between}{statement} }}");
            assert_eq!(check_repo(&text).len(), findings, "{between:?}");
        }
    }
}
