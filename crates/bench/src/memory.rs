//! Memory over many requests: it has to stay flat.

use anyhow::{Context, Result};

use crate::{load, process::Usage, world::World};

/// Sends at least `requests` requests, reads and writes in turn, and prints the memory of the server along the way.
pub(crate) fn run(world: &World, connections: u32, requests: u64) -> Result<()> {
    let pid = world.application.pid().context("the application runs")?;
    let targets = world.targets();
    let mixed: Vec<_> = targets.iter().filter(|target| !target.is_yardstick).collect();
    let mut sent = 0;
    println!("memory of the server: {:.0} MB at first", Usage::of_group(pid)?.rss_bytes as f64 / 1e6);
    let mut printed = 0;
    for target in mixed.iter().cycle() {
        sent += load::run(world, target, connections, 3)?.requests;
        if sent / 25_000 > printed {
            printed = sent / 25_000;
            println!("after {sent} requests: {:.0} MB", Usage::of_group(pid)?.rss_bytes as f64 / 1e6);
        }
        if sent >= requests {
            return Ok(());
        }
    }
    Ok(())
}
