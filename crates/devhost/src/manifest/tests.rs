use super::*;

const HELLO: &str = r#"
spin_manifest_version = 2
[application]
name = "app"
[[trigger.http]]
route = "/..."
component = "hello"
[component.hello]
source = "hello.wasm"
"#;

fn error(text: &str) -> String {
    format!("{:#}", Manifest::parse(text, None).unwrap_err())
}

#[test]
fn a_hello_manifest_is_enough() {
    let manifest = Manifest::parse(HELLO, None).unwrap();
    assert_eq!(manifest.application.name, "app");
    assert_eq!(manifest.triggers().len(), 1);
    assert_eq!(manifest.source("hello", Path::new("/app")).unwrap(), Path::new("/app/hello.wasm"));
}

#[test]
fn what_is_not_known_is_named() {
    for (line, named) in [
        ("alowed_outbound_hosts = []", "alowed_outbound_hosts"),
        ("files = [\"assets/*\"]", "the devhost knows only `files` of the form"),
        ("dependencies = { \"a:b/c\" = { component = \"nobody\" } }", "`a:b/c` names a component that is not there"),
    ] {
        assert!(error(&format!("{HELLO}{line}\n")).contains(named), "{line}: {}", error(&format!("{HELLO}{line}\n")));
    }
    assert!(error(&HELLO.replace("trigger.http", "trigger.redis")).contains("[[trigger.redis]]"));
    assert!(
        error(&HELLO.replace("\"hello.wasm\"", "{ url = \"https://x\" }")).contains("only a `source` that is a path")
    );
}

#[test]
fn a_variable_has_a_default_or_is_required() {
    let with = |variable: &str| format!("{HELLO}[variables]\nname = {variable}\n");
    assert!(Manifest::parse(&with("{ default = \"\" }"), None).is_ok());
    assert!(Manifest::parse(&with("{ required = true, secret = true }"), None).is_ok());
    assert!(error(&with("{ required = true, default = \"x\" }")).contains("either `default` or `required = true`"));
    assert!(error(&with("{}")).contains("either `default` or `required = true`"));
}

#[test]
fn a_trigger_has_one_destination() {
    assert!(error(&HELLO.replace("component = \"hello\"", "")).contains("either `component` or `static_response`"));
    assert!(error(&HELLO.replace("component = \"hello\"", "component = \"other\"")).contains("`other`"));
    assert!(error(&HELLO.replace("\"/...\"", "{ private = false }")).contains("private = true"));
}

#[test]
fn inheritance_is_said_once() {
    let with = |all: bool, one: &str| {
        format!(
            "{HELLO}dependencies_inherit_configuration = {all}\n\
             [component.hello.dependencies]\n\"a:b/c@0.1.0\" = {{ path = \"x.wasm\", inherit_configuration = {one} }}\n"
        )
    };
    assert!(error(&with(true, "[\"variables\"]")).contains("excludes"));
    let manifest = Manifest::parse(&with(false, "[\"variables\"]"), None).unwrap();
    let hello = &manifest.components["hello"];
    let Inheritance::Some(sets) = hello.inheritance(&hello.dependencies["a:b/c@0.1.0"]) else { panic!("not a list") };
    assert_eq!(sets, ["variables"]);
}
