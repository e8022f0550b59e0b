//! Measures the application beside bare components, on the same host in the same run, under load from a separate process.
//!
//! `cargo xtask bench` builds everything for release and starts this. What it prints is what `docs/performance.md` records.

mod guesses;
mod load;
mod memory;
mod passages;
mod process;
mod report;
mod start;
mod streams;
mod world;

use anyhow::Result;
use clap::Parser;

/// Measures the release build.
#[derive(Parser)]
struct Arguments {
    /// Seconds of load for each figure.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections of the load generator.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Requests of the memory test; 0 leaves it out.
    #[arg(long, default_value_t = 200_000)]
    memory_requests: u64,
    /// Streams that are opened at once.
    #[arg(long, default_value_t = 200)]
    streams: usize,
    /// Measure only what has this in its name.
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    load::ensure_installed()?;
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    let world = world::World::start().await?;
    if wanted("streams") {
        streams::run(&world, arguments.streams, "in young conversations").await?;
    }
    let mut report = report::Report::default();
    for target in world.targets().into_iter().filter(|target| target.is_yardstick || wanted(target.name)) {
        // The first second fills instances, connections and caches; it is not measured.
        load::run(&world, &target, arguments.connections, 1)?;
        report.add(&target, load::run(&world, &target, arguments.connections, arguments.seconds)?);
    }
    report.print();
    // Only the load above makes the histories long.
    if arguments.only.is_none() {
        streams::run(&world, arguments.streams, "in conversations with a long history").await?;
    }
    if wanted("memory") && arguments.memory_requests > 0 {
        memory::run(&world, arguments.connections, arguments.memory_requests)?;
    }
    if wanted("guesses") {
        guesses::run(&world).await?;
    }
    drop(world);
    if wanted("passages") {
        passages::run().await?;
    }
    if wanted("start") {
        start::run().await?;
    }
    Ok(())
}
