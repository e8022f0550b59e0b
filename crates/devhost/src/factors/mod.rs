//! Spin's host interfaces, one module each; Spin calls them factors.

pub(crate) mod http;
pub(crate) mod key_value;
pub(crate) mod mysql;
pub(crate) mod sqlite;
mod stream;
mod variables;

use std::sync::Arc;

use anyhow::Result;
use wasmtime::component::{Accessor, HasSelf, Linker};

use crate::bindings;
use crate::instance::{Guest, Surroundings};

/// What a host function may hold of a value, a row set or a key list, as in Spin.
const MAX_BUFFERED_BYTES: usize = 128 << 20;

/// Handles of one kind that an instance may hold, as in Spin.
const MAX_HANDLES: usize = 256;

/// Adds all of them. Their host traits are implemented for [`Guest`] itself.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    bindings::key_value::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::mysql::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::sqlite::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::variables::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    Ok(())
}

/// What every asynchronous host call begins with: finds the instance's surroundings and waits out an injected latency.
async fn begin<T: 'static>(accessor: &Accessor<T, HasSelf<Guest>>) -> Arc<Surroundings> {
    let around = accessor.with(|mut access| access.get().around.clone());
    around.host.faults.delay().await;
    around
}

fn too_large() -> String {
    format!("query result exceeds limit of {MAX_BUFFERED_BYTES} bytes")
}
