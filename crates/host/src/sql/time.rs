//! The time that a call or a transaction has.

use std::{future::Future, sync::Arc, time::Duration};

use super::error::SqlError;
use crate::{Clock, clock::Deadline};

/// The time that a call or a transaction has.
pub(super) struct Time {
    limit: Duration,
    deadline: Deadline,
}

impl Time {
    /// `limit` from now on.
    pub(super) fn new(clock: &Arc<dyn Clock>, limit: Duration) -> Self {
        Self { limit, deadline: Deadline::new(Arc::clone(clock), limit) }
    }

    /// Runs `work` until the time is over.
    pub(super) async fn hold<T>(
        &mut self,
        work: impl Future<Output = Result<T, SqlError>> + Send,
    ) -> Result<T, SqlError> {
        self.deadline.hold(work).await.unwrap_or_else(|_| Err(SqlError::late("no answer", self.limit)))
    }
}
