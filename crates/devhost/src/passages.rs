//! Counts how often components are entered and call their host: what a request costs is mostly that, and a count is exact where
//! a time is not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use wasmtime::{CallHook, Store};

use crate::instance::Guest;

/// How often the file is brought up to date.
const WRITE_EVERY: Duration = Duration::from_millis(50);

/// What was counted for one component, over all its instances.
#[derive(Debug, Default)]
pub(crate) struct Passages {
    /// Instances that were started.
    instances: AtomicU64,
    /// Times that the host went into the component: for a request, and for each event that wakes it.
    entries: AtomicU64,
    /// Times that the component went into the host: for a function of an interface, and for a built-in of the component model,
    /// such as to write to a stream or to drop a handle.
    host_calls: AtomicU64,
}

/// The form in which counts are written.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Counts {
    instances: u64,
    entries: u64,
    host_calls: u64,
}

impl Passages {
    /// Counts what happens in `store` from now on.
    pub(crate) fn count_in(self: &Arc<Self>, store: &mut Store<Guest>) {
        self.instances.fetch_add(1, Ordering::Relaxed);
        let passages = self.clone();
        store.call_hook(move |_, passage| {
            match passage {
                CallHook::CallingWasm => passages.entries.fetch_add(1, Ordering::Relaxed),
                CallHook::CallingHost => passages.host_calls.fetch_add(1, Ordering::Relaxed),
                CallHook::ReturningFromWasm | CallHook::ReturningFromHost => 0,
            };
            Ok(())
        });
    }

    fn counts(&self) -> Counts {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counts { instances: load(&self.instances), entries: load(&self.entries), host_calls: load(&self.host_calls) }
    }
}

/// Writes the counts of all components to `file`, as JSON by component, whenever they have changed. It is replaced as a whole, so
/// that nobody reads half of it.
pub(crate) async fn keep(file: PathBuf, all: BTreeMap<String, Arc<Passages>>) -> Result<()> {
    let (new, mut written) = (file.with_extension("new"), None);
    loop {
        let counts: BTreeMap<&str, Counts> = all.iter().map(|(id, it)| (id.as_str(), it.counts())).collect();
        if written.as_ref() != Some(&counts) {
            let write = async {
                tokio::fs::write(&new, serde_json::to_vec(&counts)?).await?;
                anyhow::Ok(tokio::fs::rename(&new, &file).await?)
            };
            write.await.with_context(|| format!("cannot write {}", file.display()))?;
            written = Some(counts);
        }
        tokio::time::sleep(WRITE_EVERY).await;
    }
}
