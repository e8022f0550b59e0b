//! What time it is, and waiting.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::{self, BoxFuture, Either};
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

/// A deadline for several pieces of work, one after the other, with one timer for all: a timer costs two passages between a
/// component and its host.
pub(crate) struct Deadline {
    /// None once it has passed: a timer that has rung would panic if it were waited for again.
    timer: Option<BoxFuture<'static, ()>>,
}

impl Deadline {
    /// A deadline that passes `limit` after the first work that has to wait begins.
    pub(crate) fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { timer: Some(Box::pin(async move { clock.sleep(limit).await })) }
    }

    /// Runs `work`, but not beyond the deadline: what is not done by then is dropped. Work that comes after it is not begun.
    pub(crate) async fn hold<F: Future>(&mut self, work: F) -> Result<F::Output, Elapsed> {
        let timer = self.timer.as_mut().ok_or(Elapsed)?;
        let work = std::pin::pin!(work);
        match future::select(work, timer).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(((), _)) => {
                self.timer = None;
                Err(Elapsed)
            }
        }
    }
}

#[cfg(all(test, feature = "fake"))]
mod tests {
    use futures::{FutureExt, future::pending};

    use super::*;
    use crate::fake::SetClock;

    #[test]
    fn a_deadline_that_has_passed_lets_nothing_begin() {
        let clock = Arc::new(SetClock::default());
        let mut deadline = Deadline::new(clock.clone(), Duration::from_secs(1));
        assert_eq!(deadline.hold(async { 7 }).now_or_never(), Some(Ok(7)));
        assert!(deadline.hold(pending::<()>()).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert_eq!(deadline.hold(pending::<()>()).now_or_never(), Some(Err(Elapsed)));
        for _ in 0..2 {
            assert_eq!(deadline.hold(async { 7 }).now_or_never(), Some(Err(Elapsed)));
        }
    }
}
