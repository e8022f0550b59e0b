//! An answer that is being written, as its row tells everybody.

pub(crate) mod repo;

use std::time::Duration;

/// How long an answer counts as being written after its writer has last been heard of, by the database's clock.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
