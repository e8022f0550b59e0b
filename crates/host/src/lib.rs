//! Ports to the world outside, and their implementations.
//!
//! A capability asks for what it needs through [`Host`]: SQL, a cache, outbound HTTP, time, randomness, settings, and work
//! that outlives a response. What it does, it does on behalf of a [`Call`]; another component it asks through a [`Peer`]. Inside a component the ports are Spin's; natively (tests, tools) they are ordinary libraries.
//! With `edge` and `step` this is the only crate that names `spin_sdk`.
//!
//! All port futures are `Send`, because axum wants handlers that are. An instance of a component has one thread, so the
//! Spin implementations wrap Spin's own futures to say so.

mod cache;
mod call;
pub mod chaining;
mod clock;
#[cfg(any(target_family = "wasm", test))]
mod delivery;
#[cfg(all(feature = "fake", not(target_family = "wasm")))]
pub mod fake;
mod http;
mod memory;
mod migrate;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub mod native;
mod peer;
mod random;
mod settings;
#[cfg(target_family = "wasm")]
pub mod spin;
pub mod sql;
#[cfg(any(target_family = "wasm", test))]
mod task_set;
mod tasks;
#[cfg(any(target_family = "wasm", test))]
mod timers;
mod variables;
#[cfg(any(target_family = "wasm", test))]
mod woken;

use std::sync::Arc;

use ids::{Id, Timestamp};

pub use crate::{
    cache::{Cache, CacheError, CacheKey},
    call::{Call, fresh_names},
    clock::{Clock, Elapsed, within},
    http::{BodyError, ByteStream, Http, HttpError, content_length, read_whole},
    memory::Memory,
    migrate::{
        MIGRATIONS, MigrateError, Migration, Readiness, ReadyError, SchemaState, keep_partitions, migrate, migrate_to,
        ready, schema_state, schema_version,
    },
    peer::{Peer, PeerError, Reply},
    random::Random,
    settings::{InvalidSetting, check, check_settings},
    sql::Sql,
    tasks::Tasks,
    variables::{Variables, VariablesError},
};

/// Everything outside that a capability may ask for. Cloning it is cheap.
#[derive(Clone)]
pub struct Host {
    /// The SQL database.
    pub sql: Arc<dyn Sql>,
    /// Values that may be lost at any time.
    pub cache: Arc<dyn Cache>,
    /// Requests to other components and to the outside.
    pub http: Arc<dyn Http>,
    /// What time it is, and waiting.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub random: Arc<dyn Random>,
    /// The settings of the deployment.
    pub variables: Arc<dyn Variables>,
    /// Work that goes on after the response.
    pub tasks: Arc<dyn Tasks>,
    /// What this instance knows of the schema; [`ready`] asks and tells it.
    pub readiness: Readiness,
}

impl Host {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id of the wanted kind, made now.
    pub fn new_id<I: Id>(&self) -> I {
        let mut random = [0; 10];
        self.random.fill(&mut random);
        I::new(self.now(), random)
    }
}
