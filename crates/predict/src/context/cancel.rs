//! Giving up on a run from outside.

use std::fmt;
use std::future::Future;

use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, FutureExt, Shared, pending, select};

/// Cancels the runs that hold its [`Cancelled`]. Dropping it cancels nothing.
#[derive(Debug)]
pub struct CancelHandle(oneshot::Sender<()>);

impl CancelHandle {
    /// Ends the runs at their next await.
    pub fn cancel(self) {
        // Nobody listens any more when the runs have ended before.
        let _ = self.0.send(());
    }
}

/// Whether somebody gave up; cheap to clone and to hand to any number of runs.
#[derive(Clone)]
pub struct Cancelled(Shared<BoxFuture<'static, ()>>);

/// A handle, and what it cancels.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{CallError, Context, Predict, ScriptedLm, cancellation, map};
///
/// let (handle, cancelled) = cancellation();
/// let cx = Context::new(Arc::new(ScriptedLm::texts(["never read"]))).with_cancel(cancelled);
/// handle.cancel();
/// let qa = Predict::new("question -> answer")?;
/// let run = futures::executor::block_on(cx.run(&qa, map! {"question" => "2+2?"}));
/// assert_eq!(run.outcome, Err(CallError::Cancelled));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cancellation() -> (CancelHandle, Cancelled) {
    let (sender, receiver) = oneshot::channel();
    let given_up = async move {
        if receiver.await.is_err() {
            pending::<()>().await;
        }
    };
    (CancelHandle(sender), Cancelled(given_up.boxed().shared()))
}

impl Cancelled {
    /// What nobody can cancel.
    #[must_use]
    pub fn never() -> Self {
        Self(pending().boxed().shared())
    }

    /// Whether it has happened.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    /// The outcome of `work`, or `None` if the cancellation comes first.
    pub async fn or<T>(&self, work: impl Future<Output = T> + Send) -> Option<T> {
        let work = Box::pin(work);
        match select(self.0.clone(), work).await {
            Either::Left(_) => None,
            Either::Right((done, _)) => Some(done),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cancelled").field(&self.is_cancelled()).finish()
    }
}
