//! Is the schema what this program needs? Asked once in the life of an instance.

use std::{sync::Arc, time::Duration};

use fault::faults;
use ids::Timestamp;

use super::{
    MIGRATIONS, MigrateError, migrate, partitions,
    records::{is_done, recorded},
};
use crate::{
    Host, Memory, VariablesError,
    settings::{InvalidSetting, auto_migrate},
};

/// What an instance knows of the schema; all clones of one [`Host`] share it.
#[derive(Clone)]
pub struct Readiness(Arc<Memory<(), ()>>);

impl Default for Readiness {
    fn default() -> Self {
        // A migration takes as long as it takes, and a second one beside it would only wait for it on a connection of its own.
        Self(Arc::new(Memory::new(1).patient()))
    }
}

/// What is known once is known for as long as the instance lives, so it does not matter when it became known.
const FOR_EVER: Duration = Duration::MAX;
const ANY_TIME: Timestamp = Timestamp::from_millis(0);

/// Why the program cannot work on this database.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// The schema is older than the program, and migrating on its own is switched off.
    #[error("the schema is at version {found}, this program needs {needed}, and auto_migrate is off")]
    Outdated {
        /// The version of the database.
        found: u32,
        /// The version that this program needs.
        needed: u32,
    },
    /// The setting `auto_migrate` cannot be read.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// The setting `auto_migrate` is not what it may be.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The schema could not be read or brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

faults! { ReadyError {
    Self::Outdated { .. } => Unavailable "schema_outdated",
    Self::Variables(_) => Unavailable "settings_unavailable" { retry_after_ms: Some(1000) },
    Self::Setting(error) => error,
    Self::Migrate(error) => error,
} }

/// Makes sure that the schema is what this program needs: brings it up to date, unless the setting `auto_migrate` is
/// `false`, and sees to the partitions when the request is answered. Free once it has succeeded in this instance; a failure is tried again by the next caller.
pub async fn ready(host: &Host) -> Result<(), ReadyError> {
    let Readiness(memory) = &host.readiness;
    // Boxed where it is polled, which it is once: every request holds this future, and it is large.
    let ask = async { Box::pin(bring_up_to_date(host)).await };
    memory.get_or(&*host.clock, ANY_TIME, &(), FOR_EVER, ask).await
}

async fn bring_up_to_date(host: &Host) -> Result<(), ReadyError> {
    if may_migrate(host).await? {
        migrate(host.sql.as_ref(), host.clock.as_ref()).await?;
        partitions::keep_later(host);
        return Ok(());
    }
    schema_state(host).await.map(drop)
}

async fn may_migrate(host: &Host) -> Result<bool, ReadyError> {
    let setting = host.variables.get("auto_migrate").await?;
    auto_migrate(setting.as_deref()).map_err(|problem| InvalidSetting::new("auto_migrate", problem).into())
}

/// What the schema is, where the program can work with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// What the program needs, or newer.
    Current,
    /// Older, and the next request brings it up to date.
    Pending,
}

/// What [`ready`] would find, without changing anything: for probes. It always asks the database.
pub async fn schema_state(host: &Host) -> Result<SchemaState, ReadyError> {
    let records = recorded(host.sql.as_ref()).await.map_err(MigrateError::from)?;
    if is_done(&records, MIGRATIONS, host.sql.dialect())? {
        return Ok(SchemaState::Current);
    }
    if may_migrate(host).await? {
        return Ok(SchemaState::Pending);
    }
    let needed = MIGRATIONS.last().map_or(0, |migration| migration.number);
    Err(ReadyError::Outdated { found: records.version(), needed })
}
