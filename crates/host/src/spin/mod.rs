//! The ports inside a component: Spin's host interfaces.
//!
//! An instance has one thread, so the futures and resources of the SDK are declared sendable by a wrapper that would panic
//! on a second thread. What is kept here lives as long as the instance: connections, settings, cached values.

mod body;
mod http;
mod key_value;
mod mysql;
mod sending;
mod sqlite;
mod system;
mod tasks;
mod variables;

use std::{cell::OnceCell, sync::Arc};

pub use self::{
    body::body,
    sending::Sending,
    system::SpinClock,
    tasks::{handle, spawn},
};
use self::{
    http::SpinHttp, key_value::SpinStore, mysql::SpinMySql, sqlite::SpinSqlite, system::SpinRandom, tasks::SpinTasks,
    variables::SpinVariables,
};
use crate::{
    Clock, Host, Readiness, Sql, Tasks, Variables, VariablesError,
    cache::LayeredCache,
    settings::synchronous,
    sql::{Limits, MariaDbAddress, Pooled, Synchronous, Unusable},
    variables::CachedVariables,
};

thread_local! {
    static HOST: OnceCell<Host> = const { OnceCell::new() };
}

impl Host {
    /// The host of this instance: made for its first request, the same for all others.
    ///
    /// The setting `database_url` says which database: empty for Spin's SQLite database `default`, `mysql://…` for MariaDB.
    /// A wrong one is not an error here but one of every SQL call, so that `/health/ready` can tell of it.
    pub async fn spin() -> Result<Self, VariablesError> {
        if let Some(host) = HOST.with(|cell| cell.get().cloned()) {
            return Ok(host);
        }
        let clock: Arc<dyn Clock> = Arc::new(SpinClock);
        let tasks: Arc<dyn Tasks> = Arc::new(SpinTasks);
        let variables = Arc::new(CachedVariables::new(SpinVariables, Arc::clone(&clock)));
        let database_url = variables.get("database_url").await?;
        let sqlite_synchronous = variables.get("sqlite_synchronous").await?;
        let host = Self {
            sql: database(database_url.as_deref(), sqlite_synchronous.as_deref(), &clock, &tasks),
            cache: Arc::new(LayeredCache::new(SpinStore::default(), Arc::clone(&clock), Arc::clone(&tasks))),
            http: Arc::new(SpinHttp::new(Arc::clone(&clock))),
            random: Arc::new(SpinRandom),
            readiness: Readiness::default(),
            variables,
            clock,
            tasks,
        };
        // Another request of the instance may have been faster; its host has the connections then.
        Ok(HOST.with(|cell| cell.get_or_init(|| host).clone()))
    }
}

fn database(url: Option<&str>, level: Option<&str>, clock: &Arc<dyn Clock>, tasks: &Arc<dyn Tasks>) -> Arc<dyn Sql> {
    let (clock, tasks) = (Arc::clone(clock), Arc::clone(tasks));
    let level = level.map_or(Ok(Synchronous::default()), synchronous);
    match (url.map(MariaDbAddress::parse), level) {
        (Some(Ok(address)), _) => Arc::new(Pooled::new(SpinMySql::new(address), clock, tasks, Limits::default())),
        (Some(Err(reason)), _) => {
            Arc::new(Unusable::new(format!("the setting database_url is no address of a database: {reason}")))
        }
        (None, Ok(synchronous)) => Arc::new(Pooled::new(SpinSqlite { synchronous }, clock, tasks, Limits::default())),
        (None, Err(reason)) => Arc::new(Unusable::new(format!("the setting sqlite_synchronous {reason}"))),
    }
}
