//! What is checked: the database, its schema and the key-value store.

use std::time::Duration;

use host::{CacheKey, Host, MIGRATIONS, within};
use ids::{Id, Timestamp, WorkspaceId};
use serde::Serialize;

/// How long an answer may take that is not a migration: a probe gives up soon after.
const LIMIT: Duration = Duration::from_secs(2);

/// The outcome of each check, by name.
#[derive(Serialize)]
pub(crate) struct Checks {
    database: Check,
    schema: Check,
    key_value: Check,
}

/// An outcome. What failed exactly is in the log; a reason holds neither addresses nor secrets.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Check {
    Passed,
    Failed { reason: String },
    Skipped,
}

impl Check {
    fn failed(name: &str, reason: &impl std::error::Error, cause: &impl std::fmt::Debug) -> Self {
        tracing::warn!(check = name, ?cause, "a health check failed");
        Self::Failed { reason: reason.to_string() }
    }
}

impl Checks {
    /// Checks everything, the store beside the database.
    pub(crate) async fn run(host: &Host) -> Self {
        let ((database, schema), key_value) = futures::join!(database(host), key_value(host));
        Self { database, schema, key_value }
    }

    pub(crate) fn is_passed(&self) -> bool {
        [&self.database, &self.schema, &self.key_value].iter().all(|check| matches!(check, Check::Passed))
    }
}

/// The database and its schema, which is brought up to date if the deployment wants that: a probe is often the first
/// request of all.
async fn database(host: &Host) -> (Check, Check) {
    let needed = MIGRATIONS.last().map_or(0, |migration| migration.number);
    match within(host.clock.as_ref(), LIMIT, host::schema_version(host.sql.as_ref())).await {
        Ok(Ok(version)) if version >= needed => (Check::Passed, Check::Passed),
        Ok(Ok(_)) => (Check::Passed, schema(host).await),
        Ok(Err(error)) => (Check::failed("database", &error, &error), Check::Skipped),
        Err(elapsed) => (Check::failed("database", &elapsed, &elapsed), Check::Skipped),
    }
}

/// A migration must not be dropped half way because a probe has no patience, so there is no limit here.
async fn schema(host: &Host) -> Check {
    match host::ready(host).await {
        Ok(()) => Check::Passed,
        Err(error) => Check::failed("schema", &error, &error),
    }
}

/// Reads a key that is never written: an answer is all that is wanted.
async fn key_value(host: &Host) -> Check {
    let nobody = WorkspaceId::new(Timestamp::from_millis(0), [0; 10]);
    let key = CacheKey::new(nobody, "health", "probe");
    match within(host.clock.as_ref(), LIMIT, host.cache.get(&key)).await {
        Ok(Ok(_)) => Check::Passed,
        Ok(Err(error)) => Check::failed("key_value", &error, &error),
        Err(elapsed) => Check::failed("key_value", &elapsed, &elapsed),
    }
}
