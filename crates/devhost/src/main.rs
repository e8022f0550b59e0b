//! The command `devhost`.

use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Result;
use clap::Parser;

/// Every passage between a component and its host allocates something, from two threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<ExitCode> {
    let options = devhost::Options::parse();
    // Key-value and SQLite calls block a worker, so one alone would not do.
    let workers = available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(devhost::run(options));
    // Instances that still work after their responses end with the process, as in Spin; nothing waits for them.
    std::mem::forget(runtime);
    result
}
