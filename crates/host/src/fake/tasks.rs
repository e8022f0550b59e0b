//! Tasks that wait until a test runs them.

use std::sync::{Mutex, PoisonError};

use futures::future::{BoxFuture, join_all};

use crate::Tasks;

/// Tasks that are kept until [`run`](Self::run).
#[derive(Default)]
pub struct QueuedTasks(Mutex<Vec<BoxFuture<'static, ()>>>);

impl QueuedTasks {
    /// Runs all tasks to their end, beside each other, and those that they spawn.
    pub async fn run(&self) {
        loop {
            let tasks = self.take();
            if tasks.is_empty() {
                return;
            }
            join_all(tasks).await;
        }
    }

    /// The tasks that wait: to run one beside the rest of a test, or to drop them, as a killed instance does.
    pub fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tasks for QueuedTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}
