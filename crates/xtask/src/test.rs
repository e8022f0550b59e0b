//! `cargo xtask test`: everything, from nothing.

use std::path::PathBuf;

use anyhow::Result;
use testkit::mariadb::MariaDb;
use xshell::{Shell, cmd};

use crate::{build, setup, templates, tidy, up, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the scenarios out.
    #[arg(long)]
    quick: bool,
    /// Run only the scenarios.
    #[arg(long, conflicts_with = "quick")]
    scenarios: bool,
    /// Check only what `cargo xtask new` writes; on the devhost that KOWAI_TEST_HOST names, if it does.
    #[arg(long, conflicts_with_all = ["quick", "scenarios"])]
    templates: bool,
    /// Run only tests whose name contains this.
    filter: Option<String>,
}

/// Runs every check, the cheap ones first.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let shell = workspace::shell()?;
    // rustc's incremental state costs more than it saves where everything is built once.
    let _incremental = shell.push_env("CARGO_INCREMENTAL", "0");
    if arguments.templates {
        setup::run()?;
        let named = std::env::var_os("KOWAI_TEST_HOST").map(PathBuf::from);
        return templates::check(&named.map_or_else(build::tested_devhost, Ok)?);
    }
    let filter = arguments.filter.as_slice();
    if !arguments.scenarios {
        section("formatting, tidiness, lints");
        cmd!(shell, "cargo fmt --all --check").quiet().run()?;
        tidy::run()?;
        cmd!(shell, "cargo clippy --quiet --workspace --all-targets -- -D warnings").quiet().run()?;
    }
    section("a private MariaDB");
    // Nobody kills this one, so it need not wait for the disk; scenarios that kill a server start their own.
    let in_memory = ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"].map(str::to_owned);
    let database = MariaDb::start_with(&in_memory)?;
    let _url = shell.push_env("KOWAI_TEST_MARIADB_URL", database.url());
    if !arguments.scenarios {
        section("tests of crates, repositories on both databases");
        cmd!(shell, "cargo test --quiet --workspace --exclude devhost --exclude scenarios {filter...}")
            .quiet()
            .run()?;
    }
    if !arguments.quick {
        section("components and hosts");
        build::components_and_fixtures()?;
        // No component contains the first two yet, and they have to fit into one; the others have code for Spin alone.
        let packages = ["predict", "optimize", "host", "edge", "step"].map(|package| format!("--package={package}"));
        let target = setup::TARGET;
        cmd!(shell, "cargo clippy --quiet --target {target} {packages...} -- -D warnings").quiet().run()?;
        let devhost = build::tested_devhost()?;
        if !arguments.scenarios && filter.is_empty() {
            section("what `cargo xtask new` writes");
            templates::check(&devhost)?;
        }
        if !arguments.scenarios {
            section("tests of the devhost");
            cmd!(shell, "cargo test --quiet --release --package devhost {filter...}").quiet().run()?;
        }
        scenarios(&shell, &devhost.display().to_string(), &["--strict"], filter, &[])?;
        if let Some(spin) = up::spin() {
            let once = "--max-instance-concurrent-reuse-count 1";
            println!("left out on Spin, which has neither: {}", DEVHOST_ALONE.join(", "));
            scenarios(&shell, &spin.display().to_string(), &["", once], filter, &DEVHOST_ALONE)?;
        }
    }
    println!("all is well");
    Ok(())
}

/// Scenarios of faults on purpose and of the strict mode.
const DEVHOST_ALONE: [&str; 2] = ["faults::", "strict::"];

/// The scenarios on `host`, on both databases, once for each set of further arguments of `up`, without those in `left_out`.
fn scenarios(shell: &Shell, host: &str, settings: &[&str], filter: &[String], left_out: &[&str]) -> Result<()> {
    let left_out: Vec<&str> = left_out.iter().flat_map(|name| ["--skip", name]).collect();
    let left_out = left_out.as_slice();
    for setting in settings {
        for database in ["sqlite", "mariadb"] {
            section(&format!("scenarios on {host} {setting} with {database}"));
            let _host = shell.push_env("KOWAI_TEST_HOST", host);
            let _setting = shell.push_env("KOWAI_TEST_HOST_ARGUMENTS", setting);
            let _database = shell.push_env("KOWAI_TEST_DATABASE", database);
            cmd!(shell, "cargo test --quiet --package scenarios {filter...} -- --test-threads 2 {left_out...}")
                .quiet()
                .run()?;
        }
    }
    Ok(())
}

fn section(title: &str) {
    println!("== {title}");
}
