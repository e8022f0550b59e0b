//! `cargo xtask migrate`: the schema, brought up to date from outside.

use anyhow::Result;
use xshell::cmd;

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The database: `mysql://user:password@host/name`, or the path of a SQLite file.
    #[arg(env = "SPIN_VARIABLE_DATABASE_URL", hide_env_values = true, default_value = ".spin/sqlite_db.db")]
    database: String,
}

/// Runs the migrations that the database lacks.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let shell = workspace::shell()?;
    // The address may hold a password, which belongs into the environment and not into the list of processes.
    let _guard = shell.push_env("KOWAI_DATABASE", &arguments.database);
    cmd!(shell, "cargo run --quiet --package host --features native --bin migrate").quiet().run()?;
    Ok(())
}
