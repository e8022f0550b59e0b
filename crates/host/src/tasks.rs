//! Work that goes on after the response.

use futures::future::BoxFuture;

/// A way to let work go on after the response has been sent.
///
/// Such work is lost when its instance is (a kill, a redeploy, another request's panic;
/// `docs/spin.md#work-after-the-response`). What must happen is therefore in the database before the work is handed
/// over.
pub trait Tasks: Send + Sync {
    /// Runs `work` to its end, beside and beyond the request at hand.
    fn spawn(&self, work: BoxFuture<'static, ()>);
}
