//! Everything a developer does to this repository: `cargo xtask <command>`.
//!
//! Each command is a file of its own and needs nothing that it does not fetch or start itself.

mod bench;
mod build;
mod golden;
mod migrate;
mod new;
mod setup;
mod templates;
mod test;
mod tidy;
mod token;
mod up;
mod watch;
mod workspace;

use clap::{Parser, Subcommand};

/// Builds, runs and checks KowAI.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the wasm target available to the installed Rust toolchain.
    Setup,
    /// Builds all components in one cargo call.
    Build(build::Arguments),
    /// Builds and serves on 127.0.0.1:3000, with `spin` where it is installed, else on the devhost.
    Up(up::Arguments),
    /// Brings the schema of the database up to date.
    Migrate(migrate::Arguments),
    /// Prints an access token of the local administrator of a running server.
    Token(token::Arguments),
    /// Checks everything: formatting, lints, tidiness, tests on both databases, scenarios on every host there is.
    Test(test::Arguments),
    /// Runs the tests and accepts what has changed in snapshots and golden files.
    Golden,
    /// Runs every record of a folder of recorded DSPy behaviour.
    Goldens(golden::Arguments),
    /// Checks what no compiler checks: arrows between crates, names, sizes, where SQL is and whose rows it means, settings
    /// and grants, pages of problems, the README's settings, citations of documents.
    Tidy,
    /// Measures the release build beside a bare hello component, in the same run.
    Bench(bench::Arguments),
    /// Writes the files of a new endpoint or step.
    New(new::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Setup => setup::run(),
        Command::Build(arguments) => build::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Golden => golden::accept(),
        Command::Goldens(arguments) => golden::dspy(&arguments),
        Command::Tidy => tidy::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
    }
}
