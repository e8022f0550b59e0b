//! Where connections come from: one that waits for work, or a new one.
//!
//! Nobody ever waits for another request's future, which would trap the instance (`docs/spin.md#waking-another-request`):
//! who finds neither an idle connection nor room for another one looks again after a pause.

use std::{future::Future, sync::Arc, time::Duration};

use futures::channel::oneshot;

use super::{
    driver::{Driver, Refusal},
    error::SqlError,
    lease::Lease,
    pool::Pool,
};
use crate::within;

/// How long to wait before looking again for a connection or for room; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// How long to wait at most for another request of the instance.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// How long to wait at most before a server that is full is asked again: other instances ask it too.
const LONGEST_PAUSE_OF_FULL: Duration = Duration::from_millis(256);

/// A connection that waited for work, or a new one.
pub(super) async fn check_out<D: Driver>(pool: &Arc<Pool<D>>) -> Result<Lease<D>, SqlError> {
    match take_idle(pool) {
        Some(lease) => Ok(lease),
        None => search(pool, || take_idle(pool)).await,
    }
}

/// A new connection, whatever waits for work.
pub(super) async fn check_out_fresh<D: Driver>(pool: &Arc<Pool<D>>) -> Result<Lease<D>, SqlError> {
    search(pool, || None).await
}

/// Runs `search` for a connection, but no longer than leaves a statement its time before the deadline of the call: so a
/// write whose caller has been told that it failed is not carried out afterwards.
pub(super) async fn in_time<D: Driver, T>(
    pool: &Pool<D>,
    search: impl Future<Output = Result<T, SqlError>>,
) -> Result<T, SqlError> {
    let limit = pool.limits.call.saturating_sub(pool.driver.dialect().statement_limit());
    within(pool.clock.as_ref(), limit, search).await.unwrap_or_else(|_| Err(SqlError::late("no connection", limit)))
}

/// A new connection, or what `found` gives while there is none to be had.
async fn search<D: Driver>(pool: &Arc<Pool<D>>, found: impl Fn() -> Option<Lease<D>>) -> Result<Lease<D>, SqlError> {
    let search = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let longest = match open(pool).await {
                Ok(lease) => return Ok(lease),
                Err(Refusal::Failed(error)) => return Err(error),
                Err(Refusal::Busy) => LONGEST_PAUSE,
                Err(Refusal::Full) => LONGEST_PAUSE_OF_FULL,
            };
            pool.clock.sleep(pause.min(longest)).await;
            pause = (pause * 2).min(LONGEST_PAUSE_OF_FULL);
            if let Some(lease) = found() {
                return Ok(lease);
            }
        }
    };
    in_time(pool, search).await
}

fn take_idle<D: Driver>(pool: &Arc<Pool<D>>) -> Option<Lease<D>> {
    let now = pool.clock.now();
    let idle = pool.take_idle(now)?;
    let is_suspect = pool.driver.dialect().goes_stale() && now.since(idle.since) > pool.limits.fresh_for;
    Some(Lease::reused(Arc::clone(pool), idle, is_suspect))
}

/// Opens a connection in a task of its own and greets it. Who asked waits for a while only; the task goes on.
async fn open<D: Driver>(pool: &Arc<Pool<D>>) -> Result<Lease<D>, Refusal> {
    let note = pool.open_begins()?;
    let (sender, receiver) = oneshot::channel();
    let task_pool = Arc::clone(pool);
    pool.tasks.spawn(Box::pin(async move {
        let outcome = match note.end(task_pool.driver.connect().await) {
            Ok(session) => greeted(Lease::fresh(task_pool, session)).await.map_err(Refusal::Failed),
            Err(refusal) => Err(refusal),
        };
        // Who asked may have run out of time; the connection is as good for the next.
        if let Err(Ok(unwanted)) = sender.send(outcome) {
            unwanted.give_back();
        }
    }));
    let limit = pool.limits.open;
    match within(pool.clock.as_ref(), limit, receiver).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Refusal::Failed(SqlError::Unavailable { reason: "the opening task was lost".into() })),
        Err(_) => Err(Refusal::Failed(SqlError::late("no connection", limit))),
    }
}

/// The connection after its [greeting](Driver::greeting). A statement may be given up where an open may not, so one
/// that is not answered costs this connection alone.
async fn greeted<D: Driver>(mut lease: Lease<D>) -> Result<Lease<D>, SqlError> {
    let (pool, limit) = (Arc::clone(lease.pool()), lease.pool().limits.open);
    let greeting = async {
        for statement in pool.driver.greeting() {
            lease.execute(statement, &[]).await?;
        }
        Ok(())
    };
    let outcome = within(pool.clock.as_ref(), limit, greeting).await;
    match outcome.unwrap_or_else(|_| Err(SqlError::late("no answer", limit))) {
        Ok(()) => Ok(lease),
        Err(error) => {
            pool.open_failed(error.clone());
            Err(error)
        }
    }
}
