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
//! An `open` whose packets are dropped lasts until the kernel gives up (on Linux about two minutes), or for ever where a server
//! takes the connection and says nothing. For that time nothing can be closed, and on Spin no statement of the instance gets
//! anywhere. So:
//!
//! * whoever wants a connection is refused at once while an `open` is stuck, whatever waits for work, and [`Opens`] says when
//!   somebody tries again;
//! * what is parked cannot grow without end: it counts as a connection of the instance until it is closed, and while nobody is
//!   let in, only what was in use can come to it. [`Limits::connections`] bounds both.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ids::Timestamp;

use super::{
    driver::{Driver, Refusal},
    error::SqlError,
    limits::Limits,
    opens::Opens,
    time::Time,
};
use crate::{Clock, Tasks};

/// How long nothing may have been opened before parked connections are closed. The host's event loop gets round many times
/// meanwhile, so nobody stands in the queue for the instance's lock any more.
const QUIET: Duration = Duration::from_millis(10);

/// How long to wait at most before looking again whether parked connections may be closed.
const LONGEST_QUIET: Duration = Duration::from_secs(1);

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
    opens: Opens,
    /// Statements under way that began during an open.
    risky: usize,
    is_sweeping: bool,
}

/// A connection that waits for work.
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
            opens: Opens::default(),
            risky: 0,
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
        Time::new(&self.clock, limit)
    }

    /// The connection that was used last of those that wait for work; none while an open is stuck.
    pub(super) fn take_idle(self: &Arc<Self>, now: Timestamp) -> Option<Idle<D::Session>> {
        let mut state = self.state();
        if state.opens.is_stuck(now, &self.limits) {
            return None;
        }
        // It is the least likely to have died, and those below it get a chance to grow old.
        let found = loop {
            let Some(idle) = state.idle.pop() else { break None };
            if now.since(idle.since) <= self.limits.idle_for {
                break Some(idle);
            }
            state.parked.push(idle.session);
        };
        drop(state);
        self.sweep_later();
        found
    }

    /// Notes that an open begins, or says why it must not; the result must be kept until it is over.
    pub(super) fn open_begins(self: &Arc<Self>) -> Result<OpenNote<D>, Refusal> {
        let now = self.clock.now();
        let mut state = self.state();
        let has_room = state.live < self.limits.connections;
        let number = state.opens.begin(now, has_room, &self.limits)?;
        state.live += 1;
        Ok(OpenNote { pool: Arc::clone(self), number, is_open: false })
    }

    /// Notes that the server did not want a connection, or did not answer on a fresh one.
    pub(super) fn open_failed(&self, error: SqlError) {
        let now = self.clock.now();
        self.state().opens.fail(now, error);
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
        let is_risky = state.opens.are_under_way();
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
        let mut quiet = QUIET;
        loop {
            let before = self.state().opens.ever();
            // Two rounds through the host's event loop: see the head of this file.
            self.clock.sleep(quiet).await;
            self.clock.sleep(quiet).await;
            let mut state = self.state();
            if state.opens.are_under_way() || state.risky > 0 || state.opens.ever() != before {
                quiet = (quiet * 2).min(LONGEST_QUIET);
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

/// An open is under way.
pub(super) struct OpenNote<D: Driver> {
    pool: Arc<Pool<D>>,
    number: u64,
    is_open: bool,
}

impl<D: Driver> OpenNote<D> {
    /// Notes what became of it, and gives that back.
    pub(super) fn end(mut self, opened: Result<D::Session, Refusal>) -> Result<D::Session, Refusal> {
        self.is_open = opened.is_ok();
        match &opened {
            Ok(_) => self.pool.state().opens.succeed(self.number),
            Err(Refusal::Failed(error)) => self.pool.open_failed(error.clone()),
            // A server that is full is there; who waits for a place asks it again soon.
            Err(Refusal::Busy | Refusal::Full) => {}
        }
        opened
    }
}

impl<D: Driver> Drop for OpenNote<D> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.opens.end(self.number);
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
