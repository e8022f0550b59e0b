//! The connections of one instance: those that wait for work, and those that wait for a safe moment to be closed.
//!
//! On Spin, closing a MySQL connection while another one is being opened hangs the instance for ever
//! (`docs/spin.md#dropping-a-connection`): `open` holds the instance's lock while it connects, and closing stops the
//! whole instance until it has that lock. The same holds for closing while a statement stands in the queue for that
//! lock behind an `open`. Hence:
//!
//! * no connection is ever dropped where it stops being useful, not even by a future that is dropped: it is *parked*;
//! * an `open` runs as a task of its own, so that no deadline can drop it (its connection with it) half way;
//! * a task closes what is parked once no `open`, and no statement that began during one, has been under way for a while.
//!
//! Nobody ever waits for another request's future, which would trap the instance
//! (`docs/spin.md#waking-another-request`): who finds neither an idle connection nor room for another one looks again
//! after a pause.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::channel::oneshot;
use ids::Timestamp;

use super::{Driver, Refusal, SqlError, lease::Lease};
use crate::{Clock, Tasks, clock::Deadline};

/// How much of everything one instance may have.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a call may take, from checking a connection out to the last row, and a transaction, to its commit.
    pub call: Duration,
    /// The most rows that a query may read.
    pub rows: usize,
    /// The most connections at once.
    pub connections: usize,
    /// The most connections that are being opened at once. Spin opens those of an instance one after the other anyway, and who
    /// waits for the next one is mostly served by one that has become idle meanwhile.
    pub opens: usize,
    /// The most connections that wait for work.
    pub idle: usize,
    /// A connection that has waited for work for longer is closed.
    pub idle_for: Duration,
    /// A connection that has waited for longer is tried before a write is given to it.
    pub fresh_for: Duration,
    /// A connection that is older is closed instead of being kept.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            rows: 10_000,
            connections: 64,
            opens: 2,
            idle: 16,
            idle_for: Duration::from_secs(60),
            fresh_for: Duration::from_secs(5),
            age: Duration::from_secs(15 * 60),
        }
    }
}

/// How long to wait before looking again for a connection or for room; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// How long to wait at most for another request of the instance.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// How long to wait at most before a server that is full is asked again: other instances ask it too.
const LONGEST_PAUSE_OF_FULL: Duration = Duration::from_millis(256);

/// How long nothing may have been opened before parked connections are closed. The host's event loop gets round many times
/// meanwhile, so nobody stands in the queue for the instance's lock any more.
const QUIET: Duration = Duration::from_millis(10);

pub(super) struct Pool<D: Driver> {
    pub(super) driver: D,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: Arc<dyn Tasks>,
    pub(super) limits: Limits,
    state: Mutex<State<D::Session>>,
}

struct State<S> {
    idle: Vec<Idle<S>>,
    parked: Vec<S>,
    /// Connections that exist or are being opened.
    live: usize,
    /// Opens under way, and statements under way that began during one.
    risky: usize,
    opens: usize,
    opens_ever: u64,
    is_sweeping: bool,
}

pub(super) struct Idle<S> {
    pub(super) session: S,
    pub(super) born: Timestamp,
    pub(super) since: Timestamp,
}

impl<D: Driver> Pool<D> {
    pub(super) fn new(driver: D, clock: Arc<dyn Clock>, tasks: Arc<dyn Tasks>, limits: Limits) -> Arc<Self> {
        let state = State {
            idle: Vec::new(),
            parked: Vec::new(),
            live: 0,
            risky: 0,
            opens: 0,
            opens_ever: 0,
            is_sweeping: false,
        };
        Arc::new(Self { driver, clock, tasks, limits, state: Mutex::new(state) })
    }

    /// The deadline of a call or of a transaction that begins now.
    pub(super) fn time(&self) -> Time {
        self.time_of(self.limits.call)
    }

    /// A deadline in `limit` from now.
    pub(super) fn time_of(&self, limit: Duration) -> Time {
        Time { limit, deadline: Deadline::new(Arc::clone(&self.clock), limit) }
    }

    /// A connection that waited for work, or a new one.
    pub(super) async fn check_out(self: &Arc<Self>) -> Result<Lease<D>, SqlError> {
        self.check_out_unless(|| self.take_idle()).await
    }

    /// A new connection, whatever waits for work.
    pub(super) async fn check_out_fresh(self: &Arc<Self>) -> Result<Lease<D>, SqlError> {
        self.check_out_unless(|| None).await
    }

    /// A new connection, or what `found` gives while there is none to be had.
    async fn check_out_unless(self: &Arc<Self>, found: impl Fn() -> Option<Lease<D>>) -> Result<Lease<D>, SqlError> {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(lease) = found() {
                return Ok(lease);
            }
            let longest = match self.open().await {
                Ok(lease) => return Ok(lease),
                Err(Refusal::Failed(error)) => return Err(error),
                Err(Refusal::Busy) => LONGEST_PAUSE,
                Err(Refusal::Full) => LONGEST_PAUSE_OF_FULL,
            };
            self.clock.sleep(pause.min(longest)).await;
            pause = (pause * 2).min(LONGEST_PAUSE_OF_FULL);
        }
    }

    fn take_idle(self: &Arc<Self>) -> Option<Lease<D>> {
        let now = self.clock.now();
        let mut state = self.state();
        // The one that was used last is the least likely to have died, and those below it get a chance to grow old.
        let found = loop {
            let Some(idle) = state.idle.pop() else { break None };
            if now.since(idle.since) <= self.limits.idle_for {
                break Some(idle);
            }
            state.parked.push(idle.session);
        };
        drop(state);
        self.sweep_later();
        let idle = found?;
        let is_suspect = self.driver.dialect().goes_stale() && now.since(idle.since) > self.limits.fresh_for;
        Some(Lease::reused(Arc::clone(self), idle, is_suspect))
    }

    /// Opens a connection in a task of its own and greets it.
    async fn open(self: &Arc<Self>) -> Result<Lease<D>, Refusal> {
        let note = self.open_begins()?;
        let (sender, receiver) = oneshot::channel();
        let pool = Arc::clone(self);
        self.tasks.spawn(Box::pin(async move {
            let opened = pool.driver.connect().await;
            note.end(opened.is_ok());
            let outcome = match opened {
                Ok(session) => Lease::fresh(Arc::clone(&pool), session).greeted().await.map_err(Refusal::Failed),
                Err(refusal) => Err(refusal),
            };
            // Who asked may have run out of time; the connection is as good for the next.
            if let Err(Ok(unwanted)) = sender.send(outcome) {
                unwanted.give_back();
            }
        }));
        receiver.await.unwrap_or_else(|_| {
            Err(Refusal::Failed(SqlError::Unavailable { reason: "the opening task was lost".into() }))
        })
    }

    fn open_begins(self: &Arc<Self>) -> Result<OpenNote<D>, Refusal> {
        let mut state = self.state();
        if state.live >= self.limits.connections || state.opens >= self.limits.opens {
            return Err(Refusal::Busy);
        }
        state.live += 1;
        state.opens += 1;
        state.opens_ever += 1;
        state.risky += 1;
        Ok(OpenNote { pool: Arc::clone(self), is_open: false })
    }

    /// Keeps a connection for the next user, or parks it where there are enough or it is too old.
    pub(super) fn keep(self: &Arc<Self>, session: D::Session, born: Timestamp) {
        let now = self.clock.now();
        let mut state = self.state();
        if state.idle.len() < self.limits.idle && now.since(born) <= self.limits.age {
            state.idle.push(Idle { session, born, since: now });
            return;
        }
        drop(state);
        self.park(session);
    }

    /// Puts a connection where it waits for a safe moment to be closed.
    pub(super) fn park(self: &Arc<Self>, session: D::Session) {
        self.state().parked.push(session);
        self.sweep_later();
    }

    /// Parks every connection that waits for work: one of them was dead, so the server was probably restarted.
    pub(super) fn park_idle(self: &Arc<Self>) {
        let mut state = self.state();
        let idle = std::mem::take(&mut state.idle);
        state.parked.extend(idle.into_iter().map(|idle| idle.session));
        drop(state);
        self.sweep_later();
    }

    /// Notes that a statement begins; the result must be kept until it is over.
    pub(super) fn statement_begins(self: &Arc<Self>) -> StatementNote<D> {
        let mut state = self.state();
        let is_risky = state.opens > 0;
        state.risky += usize::from(is_risky);
        StatementNote { pool: Arc::clone(self), is_risky }
    }

    fn sweep_later(self: &Arc<Self>) {
        let mut state = self.state();
        if state.parked.is_empty() || std::mem::replace(&mut state.is_sweeping, true) {
            return;
        }
        drop(state);
        let pool = Arc::clone(self);
        self.tasks.spawn(Box::pin(async move { pool.sweep().await }));
    }

    async fn sweep(self: Arc<Self>) {
        loop {
            let before = self.state().opens_ever;
            // Two rounds through the host's event loop: see the head of this file.
            self.clock.sleep(QUIET).await;
            self.clock.sleep(QUIET).await;
            let mut state = self.state();
            if state.risky > 0 || state.opens_ever != before {
                continue;
            }
            // Closing one is not an await, so nothing can be opened before the last one is closed.
            let parked = std::mem::take(&mut state.parked);
            state.live -= parked.len();
            state.is_sweeping = false;
            drop(state);
            drop(parked);
            return;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<D::Session>> {
        // Never held across an await, and nothing that can panic happens under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let state = self.state();
        (state.live, state.idle.len(), state.parked.len())
    }
}

/// The time that a call or a transaction has.
pub(super) struct Time {
    limit: Duration,
    deadline: Deadline,
}

impl Time {
    /// Runs `work` until the time is over.
    pub(super) async fn hold<T>(
        &mut self,
        work: impl Future<Output = Result<T, SqlError>> + Send,
    ) -> Result<T, SqlError> {
        self.deadline.hold(work).await.unwrap_or_else(|_| {
            Err(SqlError::Unavailable { reason: format!("no answer within {} ms", self.limit.as_millis()).into() })
        })
    }
}

/// An open is under way.
struct OpenNote<D: Driver> {
    pool: Arc<Pool<D>>,
    is_open: bool,
}

impl<D: Driver> OpenNote<D> {
    fn end(mut self, is_open: bool) {
        self.is_open = is_open;
    }
}

impl<D: Driver> Drop for OpenNote<D> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.opens -= 1;
        state.risky -= 1;
        state.live -= usize::from(!self.is_open);
    }
}

/// A statement is under way.
pub(super) struct StatementNote<D: Driver> {
    pool: Arc<Pool<D>>,
    is_risky: bool,
}

impl<D: Driver> Drop for StatementNote<D> {
    fn drop(&mut self) {
        self.pool.state().risky -= usize::from(self.is_risky);
    }
}
