//! The application's components: what each may do, and its compiled code.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};
use wasmtime::Engine;
use wasmtime::component::{Component as Compiled, Linker};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::allow::AllowedHosts;
use crate::compose;
use crate::instance::Guest;
use crate::logs::Logs;
use crate::manifest::{self, Manifest};
use crate::variables::{ComponentVariables, Values};

/// One component, as its instances see it.
pub(crate) struct Component {
    pub(crate) id: String,
    pub(crate) variables: ComponentVariables,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) mounts: Vec<(PathBuf, String)>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) key_value_stores: HashSet<String>,
    pub(crate) sqlite_databases: HashSet<String>,
    pub(crate) logs: Logs,
}

impl Component {
    pub(crate) fn new(
        id: &str,
        component: &manifest::Component,
        manifest: &Manifest,
        base: &Path,
        values: &Values,
        logs: Logs,
    ) -> Result<Self> {
        let ids: Vec<&str> = manifest.components.keys().map(String::as_str).collect();
        let pairs = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self {
            id: id.to_owned(),
            variables: values.for_component(id, &component.variables)?,
            environment: pairs(&component.environment),
            mounts: component.mounts(base)?,
            allowed_hosts: AllowedHosts::parse(&component.allowed_outbound_hosts, values, &ids)
                .with_context(|| format!("component `{id}`"))?,
            key_value_stores: component.key_value_stores.iter().cloned().collect(),
            sqlite_databases: component.sqlite_databases.iter().cloned().collect(),
            logs,
        })
    }
}

/// Loads, composes, compiles and links the components with the given ids, all at the same time.
pub(crate) fn compile_all(
    engine: &Engine,
    linker: &Linker<Guest>,
    manifest: &Manifest,
    base: &Path,
    ids: &[&str],
) -> Result<Vec<ServicePre<Guest>>> {
    thread::scope(|scope| {
        let compile = |id: &str| {
            let bytes = compose::load(manifest, id, &manifest.components[id], base)?;
            let compiled = Compiled::new(engine, bytes)?;
            Ok(ServicePre::new(linker.instantiate_pre(&compiled)?)?)
        };
        let threads: Vec<_> = ids.iter().map(|id| (*id, scope.spawn(move || compile(id)))).collect();
        threads
            .into_iter()
            .map(|(id, thread)| {
                let compiled: Result<_> = thread.join().map_err(|_| anyhow!("its compilation panicked")).flatten();
                compiled.with_context(|| format!("component `{id}` cannot be used"))
            })
            .collect()
    })
}
