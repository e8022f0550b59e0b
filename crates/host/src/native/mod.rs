//! The ports on ordinary libraries, for tests and tools: rusqlite, mysql_async, tokio.
//!
//! There is no HTTP client and no key-value store here: what runs outside of a component brings its own or a fake one.

mod mysql;
mod sqlite;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use ids::Timestamp;

use crate::{
    Clock, Random, Sql, Tasks,
    sql::{Limits, MariaDbAddress, Pooled},
};

/// The SQLite database in the file at `path`, which is made when it does not exist.
pub fn sqlite(path: &Path) -> Arc<dyn Sql> {
    let driver = sqlite::SqliteFile::new(path);
    Arc::new(Pooled::new(driver, Arc::new(SystemClock), Arc::new(TokioTasks), Limits::default()))
}

/// The MariaDB database at `url` (`mysql://user:password@host:port/database`), or what is wrong with the URL.
pub fn mariadb(url: &str) -> Result<Arc<dyn Sql>, String> {
    let driver = mysql::MariaDb::new(&MariaDbAddress::parse(url)?)?;
    Ok(Arc::new(Pooled::new(driver, Arc::new(SystemClock), Arc::new(TokioTasks), Limits::default())))
}

/// The clock of the machine.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The randomness of the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("an operating system that gives no randomness runs nothing of ours");
    }
}

/// Tasks on the tokio runtime.
pub struct TokioTasks;

impl Tasks for TokioTasks {
    /// Outside of a runtime, as when a test ends, `work` is dropped.
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(work);
        }
    }
}
