//! `cargo xtask new`: the files of a new endpoint or step, in the shape that all others have.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// An endpoint: a component with public routes below `/v1/<name>`.
    Endpoint {
        /// Its name, in kebab-case: folder, component and route.
        name: String,
    },
    /// A step of workflows, which is also a tool of agents.
    Step {
        /// Its name, in kebab-case.
        name: String,
    },
}

/// A kind of thing that can be made, with its templates.
struct Kind {
    folder: &'static str,
    /// What stands before the name in ids, file names and package names.
    prefix: &'static str,
    cargo: &'static str,
    library: &'static str,
    tests: &'static str,
    spin: &'static str,
    next: &'static str,
}

const ENDPOINT: Kind = Kind {
    folder: "components",
    prefix: "",
    cargo: include_str!("../templates/endpoint/Cargo.toml.in"),
    library: include_str!("../templates/endpoint/lib.rs.in"),
    tests: include_str!("../templates/endpoint/tests.rs.in"),
    spin: include_str!("../templates/endpoint/spin.toml.in"),
    next: "docs/ARCHITECTURE.md, \"Adding an endpoint\"",
};

const STEP: Kind = Kind {
    folder: "components/steps",
    prefix: "step-",
    cargo: include_str!("../templates/step/Cargo.toml.in"),
    library: include_str!("../templates/step/lib.rs.in"),
    tests: include_str!("../templates/step/tests.rs.in"),
    spin: include_str!("../templates/step/spin.toml.in"),
    next: "docs/ARCHITECTURE.md, \"Adding a step\"",
};

/// Writes the files, and names what is left to do.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = workspace::root();
    match &arguments.what {
        What::Endpoint { name } => write_endpoint(&root, name),
        What::Step { name } => write_step(&root, name),
    }
}

/// Writes the files of an endpoint into the workspace in `root`.
pub(crate) fn write_endpoint(root: &Path, name: &str) -> Result<()> {
    write_kind(&ENDPOINT, root, name)
}

/// Writes the files of a step into the workspace in `root`.
pub(crate) fn write_step(root: &Path, name: &str) -> Result<()> {
    write_kind(&STEP, root, name)
}

fn write_kind(kind: &Kind, root: &Path, name: &str) -> Result<()> {
    check_name(name)?;
    let folder = root.join(kind.folder).join(name);
    ensure!(!folder.exists(), "{} is there already", folder.display());
    write(&folder.join("Cargo.toml"), &fill(kind.cargo, name))?;
    write(&folder.join("src/lib.rs"), &fill(kind.library, name))?;
    write(&folder.join("src/tests.rs"), &fill(kind.tests, name))?;
    append(&root.join("spin.toml"), &fill(kind.spin, name))?;
    if kind.prefix == "step-" {
        list_member(&root.join("Cargo.toml"), &format!("components/steps/{name}"))?;
    }
    println!("{} is written and stands in spin.toml.\nNext: {}", folder.display(), kind.next);
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let is_kebab = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    ensure!(is_kebab, "{name:?} is not in kebab-case");
    Ok(())
}

/// A template with the name in it: `{name}` in kebab-case, `{snake}` in snake_case, `{Type}` in CamelCase.
fn fill(template: &str, name: &str) -> String {
    let camel: String = name
        .split('-')
        .flat_map(|word| word.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }))
        .collect();
    template.replace("{name}", name).replace("{snake}", &name.replace('-', "_")).replace("{Type}", &camel)
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(file.parent().context("a file has a folder")?)?;
    fs::write(file, text).with_context(|| file.display().to_string())
}

fn append(file: &Path, text: &str) -> Result<()> {
    let before = fs::read_to_string(file)?;
    write(file, &format!("{}\n{text}", before.trim_end().to_owned() + "\n"))
}

/// Steps are listed one by one, because their folder lies below one that is itself a pattern of members.
fn list_member(file: &Path, member: &str) -> Result<()> {
    let before = fs::read_to_string(file)?;
    let anchor = "\"components/steps/transform\"";
    ensure!(before.contains(anchor), "Cargo.toml does not list the steps as expected: add {member} to its members");
    write(file, &before.replacen(anchor, &format!("{anchor}, \"{member}\""), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_rust_and_toml() {
        for kind in [ENDPOINT, STEP] {
            for text in [kind.library, kind.tests] {
                syn::parse_file(&fill(text, "send-mail")).unwrap();
            }
            for text in [kind.cargo, kind.spin] {
                fill(text, "send-mail").parse::<toml::Table>().unwrap();
            }
        }
    }

    #[test]
    fn a_name_is_written_in_every_way_it_is_needed() {
        assert_eq!(fill("{name} {snake} {Type}", "send-mail"), "send-mail send_mail SendMail");
        for bad in ["", "Mail", "send_mail", "-a", "a-", "a b", "../x"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
