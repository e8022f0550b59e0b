//! What time it is, and waiting.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use futures::future::{self, Either};
use ids::Timestamp;

/// A clock that can also be waited for.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// A deadline passed before the work was done; the work was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

/// Runs `work`, but no longer than `limit`: what is not done by then is dropped.
pub async fn within<F: Future>(clock: &dyn Clock, limit: Duration, work: F) -> Result<F::Output, Elapsed> {
    let work = std::pin::pin!(work);
    match future::select(work, clock.sleep(limit)).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(((), _)) => Err(Elapsed),
    }
}
