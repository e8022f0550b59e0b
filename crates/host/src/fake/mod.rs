//! Ports for tests: a clock that is set, randomness that repeats, settings and a cache in memory, HTTP that answers from a
//! script, tasks that wait to be run, and throw-away databases.

mod cache;
mod clock;
mod counted;
mod databases;
mod http;
mod tasks;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ids::Timestamp;

pub use self::{
    cache::MemoryCache,
    clock::SetClock,
    counted::CountedSql,
    databases::{TestDatabase, databases, databases_at, sqlite_database},
    http::{ScriptedHttp, chunks, json},
    tasks::QueuedTasks,
};
use crate::{Call, Host, Random, Sql, Variables, VariablesError, sql::Unusable};

/// A [`Host`] made of fakes, and the fakes themselves. Clones share everything.
#[derive(Clone)]
pub struct Fakes {
    /// The host that has the fakes as its ports.
    pub host: Host,
    /// Its clock.
    pub clock: Arc<SetClock>,
    /// Its settings.
    pub variables: Arc<SetVariables>,
    /// Its cache.
    pub cache: Arc<MemoryCache>,
    /// Its HTTP client.
    pub http: Arc<ScriptedHttp>,
    /// Its tasks.
    pub tasks: Arc<QueuedTasks>,
}

impl Fakes {
    /// Fakes around a real database, as [`databases`] gives.
    pub fn new(sql: Arc<dyn Sql>) -> Self {
        let clock = Arc::new(SetClock::default());
        let variables = Arc::new(SetVariables::default());
        let cache = Arc::new(MemoryCache::new(clock.clone()));
        let http = Arc::new(ScriptedHttp::default());
        let tasks = Arc::new(QueuedTasks::default());
        let host = Host {
            sql,
            cache: cache.clone(),
            http: http.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::default()),
            variables: variables.clone(),
            tasks: tasks.clone(),
            readiness: crate::Readiness::default(),
        };
        Self { host, clock, variables, cache, http, tasks }
    }

    /// Fakes without a database.
    pub fn without_database() -> Self {
        Self::new(Arc::new(Unusable::new("this test has no database")))
    }
}

/// The headers with which `call` arrives at `now` from another component, for tests of private routes.
pub fn chained(call: &Call, now: Timestamp) -> ::http::HeaderMap {
    crate::chaining::arrived(call, now)
}

/// Randomness that is the same in every run of a test.
#[derive(Debug, Default)]
pub struct SeededRandom(Mutex<u64>);

impl Random for SeededRandom {
    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Settings that a test sets.
#[derive(Debug, Default)]
pub struct SetVariables(Mutex<HashMap<String, String>>);

impl SetVariables {
    /// Sets `name` to `value`.
    pub fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.to_owned());
    }
}

#[async_trait]
impl Variables for SetVariables {
    async fn get(&self, name: &str) -> Result<Option<String>, VariablesError> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(values.get(name).filter(|value| !value.is_empty()).cloned())
    }
}
