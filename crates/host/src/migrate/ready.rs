//! Is the schema what this program needs? Asked once in the life of an instance.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use fault::{Fault, Kind};

use super::{MIGRATIONS, MigrateError, migrate, schema_version};
use crate::{Host, VariablesError};

/// What an instance knows of the schema; all clones of one [`Host`] share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

const UNKNOWN: u8 = 0;
const BEING_SEEN_TO: u8 = 1;
const READY: u8 = 2;

/// How long somebody waits before looking whether another request of the instance is done; each pause is twice as long as the
/// one before, up to the longest. Waiting for its future instead would trap the instance
/// (`docs/spin.md#waking-another-request`).
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

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
    /// The schema could not be read or brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

impl Fault for ReadyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Outdated { .. } | Self::Variables(_) => Kind::Unavailable,
            Self::Migrate(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Outdated { .. } => "schema_outdated",
            Self::Variables(_) => "settings_unavailable",
            Self::Migrate(error) => error.code(),
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Outdated { .. } => None,
            Self::Variables(_) => Some(1000),
            Self::Migrate(error) => error.retry_after_ms(),
        }
    }
}

/// Makes sure that the schema is what this program needs: brings it up to date, unless the setting `auto_migrate` is
/// `false`. Free once it has succeeded in this instance; a failure is tried again by the next caller.
pub async fn ready(host: &Host) -> Result<(), ReadyError> {
    let Readiness(state) = &host.readiness;
    let mut pause = FIRST_PAUSE;
    loop {
        match state.compare_exchange(UNKNOWN, BEING_SEEN_TO, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(READY) => return Ok(()),
            Err(_) => host.clock.sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    // Whatever happens below, the state must not stay as it is now.
    let attempt = Attempt(state);
    see_to_it(host).await?;
    attempt.0.store(READY, Ordering::Release);
    Ok(())
}

async fn see_to_it(host: &Host) -> Result<(), ReadyError> {
    let may_migrate = host.variables.get("auto_migrate").await?.is_none_or(|value| value != "false");
    if may_migrate {
        migrate(host.sql.as_ref(), host.clock.as_ref()).await?;
        return Ok(());
    }
    let needed = MIGRATIONS.last().map_or(0, |migration| migration.number);
    let found = schema_version(host.sql.as_ref()).await.map_err(MigrateError::from)?;
    if found < needed { Err(ReadyError::Outdated { found, needed }) } else { Ok(()) }
}

/// Hands the task to the next caller if this one fails or is dropped.
struct Attempt<'s>(&'s AtomicU8);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        _ = self.0.compare_exchange(BEING_SEEN_TO, UNKNOWN, Ordering::AcqRel, Ordering::Acquire);
    }
}
