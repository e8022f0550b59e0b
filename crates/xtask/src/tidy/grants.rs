//! What `spin.toml` hands to a component is what the component's code asks for: settings, databases, stores, other components.
//!
//! Code asks for what it may reach: everything in the component's package and in those of ours that it is built from. That is more
//! than it runs, so the exceptions are named here; one that is not needed any more is a finding too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata};
use syn::visit::Visit;
use toml::{Table, Value};

use super::{Finding, Source, code, is_test};
use crate::workspace;

/// Code that these components alone run, though others are built from it too: accounts are made by `auth`, providers called by
/// `llm`, and settings checked by `health`.
const OWNED: [(&str, &[&str]); 4] = [
    ("crates/auth/src/bootstrap.rs", &["auth", "health"]),
    ("crates/auth/src/settings.rs", &["auth", "health"]),
    ("crates/llm/src/gateway.rs", &["llm"]),
    ("crates/llm/src/settings.rs", &["health"]),
];

/// Code that a component is built from and never runs: its callers are other components, or nobody in particular.
const UNUSED: [(&str, &str); 2] = [("crates/auth/", "docs"), ("crates/auth/", "llm")];

/// The ports and what wraps them: they name everything, and use what others ask of them.
const PORTS: [&str; 2] = ["host", "edge"];

/// The grant of whoever has a database.
const DATABASE_GRANT: &str = "{{ database_host }}";

/// Differences between what components are given and what their code asks for.
pub(super) fn check(sources: &[Source], metadata: &Metadata, root: &Path) -> Result<Vec<Finding>> {
    let manifest: Table = fs::read_to_string(root.join("spin.toml"))?.parse().context("spin.toml")?;
    let settings: BTreeSet<String> = keys(manifest.get("variables"));
    let packages = packages(metadata, sources, &settings);
    let components = manifest.get("component").and_then(Value::as_table).context("spin.toml has components")?;
    let mut findings = stale(&packages);
    let mut handed_out = BTreeSet::new();
    for (id, component) in components {
        let given = Given::of(component);
        let asked = Asked::by(id, &packages);
        compare(id, &given, &asked, &mut findings);
        handed_out.extend(given.hosts.iter().filter_map(|host| template(host)).map(str::to_owned));
        handed_out.extend(given.settings);
    }
    let idle = settings.difference(&handed_out).map(|it| format!("spin.toml: no component is given the setting {it}"));
    findings.extend(idle);
    Ok(findings)
}

/// Whether the component `id` runs the code at `path`, if it is built from it.
fn runs(id: &str, path: &str) -> bool {
    let is_owned = OWNED.iter().any(|(code, owners)| path.starts_with(code) && !owners.contains(&id));
    let is_unused = UNUSED.iter().any(|(code, component)| path.starts_with(code) && *component == id);
    !is_owned && !is_unused
}

/// Exceptions about code that is not there any more.
fn stale(packages: &BTreeMap<String, Package>) -> Vec<Finding> {
    let paths: Vec<&String> = packages.values().flat_map(|it| &it.files).map(|(path, _)| path).collect();
    let exceptions = OWNED.iter().map(|(code, _)| *code).chain(UNUSED.iter().map(|(code, _)| *code));
    let stale = exceptions.filter(|code| !paths.iter().any(|path| path.starts_with(code)));
    stale.map(|code| format!("tidy/grants.rs: there is no {code} any more: take it out of the list")).collect()
}

/// A package of ours: which of ours it is built from, and what each of its files asks for.
struct Package {
    built_from: Vec<String>,
    files: Vec<(String, Asked)>,
}

/// What code asks for.
#[derive(Clone, Default)]
struct Asked {
    settings: BTreeSet<String>,
    database: bool,
    store: bool,
    /// Components that are called, some by a pattern such as `step-{name}`.
    components: BTreeSet<String>,
}

impl Asked {
    /// What the component `id` may ask for by all that it is built from.
    fn by(id: &str, packages: &BTreeMap<String, Package>) -> Self {
        let mut open = vec![format!("{id}-component")];
        if id.starts_with("step-") {
            open.push("step-adapter-component".to_owned());
        }
        let mut reached = BTreeSet::new();
        let mut asked = Self::default();
        while let Some(name) = open.pop() {
            let Some(package) = packages.get(&name).filter(|_| reached.insert(name.clone())) else { continue };
            for (path, asks) in &package.files {
                if runs(id, path) {
                    asked.add(asks, !PORTS.contains(&name.as_str()));
                }
            }
            open.extend(package.built_from.iter().cloned());
        }
        asked.components.remove(id);
        if !asked.database {
            // What the ports themselves read is about databases.
            let of_ports = packages.get("host").into_iter().flat_map(|it| &it.files);
            asked.settings = &asked.settings - &of_ports.flat_map(|(_, asks)| asks.settings.clone()).collect();
        }
        asked
    }

    fn add(&mut self, other: &Self, uses_ports: bool) {
        self.settings.extend(other.settings.iter().cloned());
        self.components.extend(other.components.iter().cloned());
        self.database |= other.database && uses_ports;
        self.store |= other.store && uses_ports;
    }

    fn calls(&self, component: &str) -> bool {
        self.components.iter().any(|asked| match asked.split_once('{') {
            Some((prefix, _)) => component.starts_with(prefix),
            None => asked == component,
        })
    }
}

/// What `spin.toml` gives.
struct Given {
    settings: BTreeSet<String>,
    /// `sqlite_databases`, and the grant of MariaDB.
    databases: [bool; 2],
    store: bool,
    hosts: Vec<String>,
}

impl Given {
    fn of(component: &Value) -> Self {
        let list = |key: &str| -> Vec<String> {
            let list = component.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let hosts = list("allowed_outbound_hosts");
        Self {
            settings: keys(component.get("variables")),
            databases: [!list("sqlite_databases").is_empty(), hosts.iter().any(|host| host == DATABASE_GRANT)],
            store: !list("key_value_stores").is_empty(),
            hosts,
        }
    }
}

fn compare(id: &str, given: &Given, asked: &Asked, findings: &mut Vec<Finding>) {
    let mut find = |text: String| findings.push(format!("spin.toml: {id} {text}"));
    for setting in given.settings.difference(&asked.settings) {
        find(format!("is given the setting {setting}, which its code does not read"));
    }
    for setting in asked.settings.difference(&given.settings) {
        find(format!("reads the setting {setting}, which it is not given"));
    }
    for (given, what) in given.databases.into_iter().zip(["sqlite_databases", DATABASE_GRANT]) {
        match (given, asked.database) {
            (true, false) => find(format!("is given {what}, and its code uses no database")),
            (false, true) => find(format!("uses a database and is not given {what}")),
            _ => {}
        }
    }
    match (given.store, asked.store) {
        (true, false) => find("is given key_value_stores, and its code uses no cache".into()),
        (false, true) => find("uses a cache and is not given key_value_stores".into()),
        _ => {}
    }
    let called: Vec<&str> = given.hosts.iter().filter_map(|host| chained(host)).collect();
    for component in called.iter().filter(|component| !asked.calls(component)) {
        find(format!("is granted {component}.spin.internal, which its code does not call"));
    }
    for component in asked.components.iter().filter(|it| !it.contains('{') && !called.contains(&it.as_str())) {
        find(format!("calls {component}.spin.internal, which it is not granted"));
    }
    let templates = given.hosts.iter().filter(|host| *host != DATABASE_GRANT).filter_map(|host| template(host));
    for setting in templates.filter(|setting| !given.settings.contains(*setting)) {
        find(format!("is granted the address {{{{ {setting} }}}}, a setting that it is not given"));
    }
}

/// The setting that a grant takes its address from.
fn template(grant: &str) -> Option<&str> {
    let (_, rest) = grant.split_once("{{")?;
    Some(rest.split_once("}}")?.0.trim())
}

/// The component that an origin means.
fn chained(origin: &str) -> Option<&str> {
    let rest = origin.strip_prefix("http://")?;
    Some(rest.split_once(".spin.internal")?.0)
}

fn keys(table: Option<&Value>) -> BTreeSet<String> {
    table.and_then(Value::as_table).into_iter().flat_map(Table::keys).cloned().collect()
}

fn packages(metadata: &Metadata, sources: &[Source], settings: &BTreeSet<String>) -> BTreeMap<String, Package> {
    let mut packages = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let normal = package.dependencies.iter().filter(|it| it.kind == DependencyKind::Normal);
        let folder = format!("{}/src/", workspace::folder_of(package));
        let own = sources.iter().filter(|source| source.path.starts_with(&folder) && !is_test(&source.path));
        let files = own.map(|source| (source.path.clone(), asks(&source.text, settings))).collect();
        let built_from = normal.map(|it| it.name.clone()).collect();
        packages.insert(package.name.to_string(), Package { built_from, files });
    }
    packages
}

/// What a file asks for; one that is not Rust asks for nothing, and is a finding elsewhere.
fn asks(text: &str, settings: &BTreeSet<String>) -> Asked {
    let mut found = Asked::default();
    if let Ok(file) = syn::parse_file(text) {
        Asks { settings, found: &mut found }.visit_file(&file);
    }
    found
}

/// Collects what code asks for: settings and origins by their names in texts, ports by the fields of `Host`.
struct Asks<'a> {
    settings: &'a BTreeSet<String>,
    found: &'a mut Asked,
}

impl<'ast> Visit<'ast> for Asks<'_> {
    code::skip_attributes_and_tests!();

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        let text = text.value();
        if self.settings.contains(&text) {
            self.found.settings.insert(text);
        } else if let Some(component) = chained(&text) {
            self.found.components.insert(component.to_owned());
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        if let syn::Member::Named(name) = &field.member {
            self.found.database |= name == "sql";
            self.found.store |= name == "cache";
        }
        syn::visit::visit_expr_field(self, field);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        // Only `format!` and its like name origins and settings, and their first argument is a text.
        for tree in mac.tokens.clone() {
            if let proc_macro2::TokenTree::Literal(literal) = tree
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
            {
                self.visit_lit_str(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BTreeSet<String> {
        ["log_level", "auth_secret"].map(str::to_owned).into()
    }

    fn given(manifest: &str) -> Given {
        Given::of(&Value::Table(manifest.parse().unwrap()))
    }

    fn compared(manifest: &str, code: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        compare("a", &given(manifest), &asks(code, &settings()), &mut findings);
        findings
    }

    #[test]
    fn code_asks_by_what_it_says_outside_of_tests_and_comments() {
        let asked = asks(
            r#"
            //! `http://commented.spin.internal`
            const ORIGIN: &str = "http://llm.spin.internal";
            async fn f(host: &Host) { host.variables.get("log_level").await; host.sql.begin(); }
            fn g(name: &str) -> String { format!("http://step-{name}.spin.internal/") }
            #[cfg(test)] mod tests { fn f() { g("auth_secret"); a.cache.get(); } }
            "#,
            &settings(),
        );
        assert_eq!(asked.settings.iter().collect::<Vec<_>>(), ["log_level"]);
        assert!(asked.database && !asked.store);
        assert!(asked.calls("llm") && asked.calls("step-echo") && !asked.calls("commented"));
    }

    #[test]
    fn code_that_others_run_asks_for_nothing() {
        assert!(runs("auth", "crates/auth/src/bootstrap.rs") && !runs("conversations", "crates/auth/src/bootstrap.rs"));
        assert!(runs("conversations", "crates/auth/src/keys.rs") && !runs("llm", "crates/auth/src/keys.rs"));
    }

    #[test]
    fn what_is_given_and_not_asked_for_is_found() {
        let manifest = r#"
            allowed_outbound_hosts = ["http://llm.spin.internal", "{{ database_host }}", "{{ auth_secret }}"]
            key_value_stores = ["default"]
            variables = { log_level = "" }
        "#;
        assert_eq!(
            compared(manifest, ""),
            [
                "spin.toml: a is given the setting log_level, which its code does not read",
                "spin.toml: a is given {{ database_host }}, and its code uses no database",
                "spin.toml: a is given key_value_stores, and its code uses no cache",
                "spin.toml: a is granted llm.spin.internal, which its code does not call",
                "spin.toml: a is granted the address {{ auth_secret }}, a setting that it is not given",
            ]
        );
    }

    #[test]
    fn what_is_asked_for_and_not_given_is_found() {
        let code = r#"fn f() { get("log_level"); host.sql.x(); host.cache.x(); call("http://llm.spin.internal"); }"#;
        assert_eq!(
            compared("", code),
            [
                "spin.toml: a reads the setting log_level, which it is not given",
                "spin.toml: a uses a database and is not given sqlite_databases",
                "spin.toml: a uses a database and is not given {{ database_host }}",
                "spin.toml: a uses a cache and is not given key_value_stores",
                "spin.toml: a calls llm.spin.internal, which it is not granted",
            ]
        );
    }
}
