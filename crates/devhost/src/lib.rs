//! Runs a `spin.toml` on wasmtime as Spin would, for those without Spin and for tests.
//!
//! A stand-in, not a product: it knows what KowAI's components use and refuses the rest. It is faithful also where Spin is
//! unpleasant (`docs/spin.md#what-the-devhost-copies`), because tests on a kinder host prove nothing: the same empty
//! 500 for everybody on an instance that traps, the same lost errors, the same hangs. The one kindness is TCP_NODELAY.
//! `--strict` makes the hangs loud, and `--fault` injects what real Spin does only in production.
//!
//! The way of a request: [`server`] -> [`route`] -> [`headers`] -> [`host`] -> an instance of a [`component`] by
//! [`instance`] -> host calls in [`factors`]; a chained call goes from there to [`host`] again.

mod allow;
mod bindings;
mod component;
mod compose;
mod denial;
mod engine;
mod factors;
mod faults;
mod headers;
mod host;
mod instance;
mod logs;
mod manifest;
mod options;
mod passages;
mod route;
mod runtime_config;
mod server;
mod strict;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use component::Component;
use engine::CompileCache;
use factors::{http::Clients, key_value::Stores, sqlite::Databases};
pub use faults::Fault;
use faults::Faults;
use host::Host;
use instance::{Instances, Reuse};
use logs::Logs;
use manifest::Manifest;
pub use options::{Command, Options, Up};
use passages::Passages;
use route::Router;
use runtime_config::RuntimeConfig;
use server::Server;
use strict::Strict;
use variables::Values;

/// Exit status of a run in which the strict mode saw a violation.
const VIOLATED: u8 = 3;

/// Runs the command; for `up` until the process is told to stop.
pub async fn run(options: Options) -> Result<ExitCode> {
    let Command::Up(up) = options.command;
    let (server, passages) = prepare(&up)?;
    let server = Arc::new(server);
    let listener = server::listen(up.listen, up.find_free_port).await?;
    if let Some(file) = up.passages {
        tokio::spawn(async move {
            if let Err(error) = passages::keep(file, passages).await {
                eprintln!("devhost: {error:#}");
            }
        });
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server.clone().serve(listener, stop).await?;
    match server.host.strict.violations() {
        0 => Ok(ExitCode::SUCCESS),
        count => {
            eprintln!("devhost: strict: {count} violation(s)");
            Ok(ExitCode::from(VIOLATED))
        }
    }
}

/// Does all that can fail before the port is open: reads, checks, compiles and links. The counts of passages are by component.
fn prepare(up: &Up) -> Result<(Server, BTreeMap<String, Arc<Passages>>)> {
    let path = if up.from.is_dir() { up.from.join("spin.toml") } else { up.from.clone() };
    let manifest = Manifest::load(&path, up.profile.as_deref())?;
    let base = path.parent().unwrap_or(Path::new(""));
    let runtime = RuntimeConfig::load(up.runtime_config_file.as_deref())?;
    let values = Values::resolve(&manifest, &runtime, &up.variable)?;
    let router = Router::new(manifest.triggers())?;
    let host = Arc::new(new_host(up, &runtime, base)?);

    let engine = engine::engine(match (&up.cache, up.disable_cache) {
        (_, true) => CompileCache::Off,
        (file, false) => CompileCache::On(file.as_deref()),
    })?;
    let linker = engine::linker(&engine)?;
    // Only what a trigger names can be reached; what is only a dependency need not export a handler.
    let ids: BTreeSet<&str> = manifest.triggers().iter().filter_map(|t| t.component.as_deref()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let services = component::compile_all(&engine, &linker, &manifest, base, &ids)?;

    let log_dir = log_dir(up, &runtime, base)?;
    let (mut instances, mut passages): (_, BTreeMap<String, Arc<Passages>>) = (Vec::new(), BTreeMap::new());
    for (id, service) in ids.into_iter().zip(services) {
        let declared = &manifest.components[id];
        host.stores.ensure_known(id, &declared.key_value_stores)?;
        host.databases.ensure_known(id, &declared.sqlite_databases)?;
        let logs = Logs::open(id, log_dir.as_deref(), up.quiet, up.strict)?;
        let component = Arc::new(Component::new(id, declared, &manifest, base, &values, logs)?);
        let counted = up.passages.as_ref().map(|_| passages.entry(id.to_owned()).or_default().clone());
        instances.push(Instances { engine: engine.clone(), service, component, host: host.clone(), passages: counted });
    }
    host.start(instances);
    Ok((Server { host, router, application: manifest.application }, passages))
}

fn new_host(up: &Up, runtime: &RuntimeConfig, base: &Path) -> Result<Host> {
    let faults = Faults::new(&up.fault);
    let reuse = Reuse {
        max_requests: if faults.fresh_instances { 1 } else { up.max_instance_reuse_count },
        max_concurrent_requests: up.max_instance_concurrent_reuse_count,
        idle_timeout: up.idle_instance_timeout,
        request_timeout: up.request_timeout,
    };
    let state_dir = state_dir(up, runtime, base);
    Ok(Host::new(
        reuse,
        faults,
        Strict::new(up.strict),
        Stores::new(&runtime.key_value_store, state_dir.as_deref())?,
        Databases::new(&runtime.sqlite_database, state_dir.as_deref())?,
        Clients::new(runtime)?,
    ))
}

/// The state directory, unless it is switched off.
fn state_dir(up: &Up, runtime: &RuntimeConfig, base: &Path) -> Option<PathBuf> {
    match up.state_dir.as_ref().or(runtime.state_dir.as_ref()) {
        Some(empty) if empty.is_empty() => None,
        Some(directory) => Some(directory.into()),
        None => Some(base.join(".spin")),
    }
}

/// The log directory, unless it is switched off or there is no state directory; created when it is missing.
fn log_dir(up: &Up, runtime: &RuntimeConfig, base: &Path) -> Result<Option<PathBuf>> {
    let directory = match up.log_dir.as_ref().or(runtime.log_dir.as_ref()) {
        Some(empty) if empty.is_empty() => None,
        Some(directory) => Some(PathBuf::from(directory)),
        None => state_dir(up, runtime, base).map(|state| state.join("logs")),
    };
    if let Some(directory) = &directory {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    }
    Ok(directory)
}
