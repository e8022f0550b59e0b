//! The wasmtime engine, tuned as Spin's, and what every component is linked with.

use std::path::Path;

use anyhow::Result;
use wasmtime::component::Linker;
use wasmtime::{Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::denial;
use crate::factors;
use crate::instance::Guest;

/// Instances that may live at once, as in Spin (`docs/spin.md#limits`).
const MAX_INSTANCES: u32 = 1_000;

/// Memory that a free slot keeps, as in Spin: all that an instance of ours has. Clearing it costs less than faulting it in
/// again, and every 128 requests have a new instance.
const MEMORY_KEEP_RESIDENT: usize = 2 << 20;

/// As above, for tables.
const TABLE_KEEP_RESIDENT: usize = 512 * 1024;

/// Where compiled code is kept between starts.
#[derive(Clone, Copy)]
pub(crate) enum CompileCache<'a> {
    /// Nowhere.
    Off,
    /// Where wasmtime keeps it by default, or where its own configuration file says.
    On(Option<&'a Path>),
}

/// Makes the engine.
pub(crate) fn engine(cache: CompileCache<'_>) -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    if let CompileCache::On(file) = cache {
        // As in Spin, a cache that cannot be used costs time, not the start.
        match Cache::from_file(file) {
            Ok(cache) => drop(config.cache(Some(cache))),
            Err(error) => eprintln!("Compiling without a cache: {error:#}"),
        }
    }
    Ok(Engine::new(&config)?)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(MAX_INSTANCES)
        .total_memories(MAX_INSTANCES)
        .total_stacks(MAX_INSTANCES)
        .total_tables(2 * MAX_INSTANCES)
        .total_core_instances(4 * MAX_INSTANCES)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .table_keep_resident(TABLE_KEEP_RESIDENT)
        // Where Linux can say which pages were touched, only those are cleared; Spin clears the others too, and so has them.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Makes the linker: WASI 0.2 (std uses it), WASI 0.3 (the SDK uses it), Spin's interfaces, and the denials.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    factors::add_to_linker(&mut linker)?;
    denial::add_to_linker(&mut linker)?;
    Ok(linker)
}
