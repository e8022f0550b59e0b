//! A connection in use by exactly one statement or transaction.

use std::sync::Arc;

use ids::Timestamp;

use super::{
    driver::{Driver, Session},
    error::SqlError,
    pool::{Idle, Pool},
    value::{Row, Value},
};

/// A connection that is checked out. Dropped on whatever path without [`give_back`](Self::give_back), it is parked.
pub(super) struct Lease<D: Driver> {
    pool: Arc<Pool<D>>,
    session: Option<D::Session>,
    born: Timestamp,
    /// True where it waited for work before, so that it may have died meanwhile.
    pub(super) is_reused: bool,
    /// True where it waited for so long that a write should not be the first to find out.
    pub(super) is_suspect: bool,
}

impl<D: Driver> Lease<D> {
    pub(super) fn fresh(pool: Arc<Pool<D>>, session: D::Session) -> Self {
        let born = pool.clock.now();
        Self { pool, session: Some(session), born, is_reused: false, is_suspect: false }
    }

    pub(super) fn reused(pool: Arc<Pool<D>>, idle: Idle<D::Session>, is_suspect: bool) -> Self {
        Self { pool, session: Some(idle.session), born: idle.born, is_reused: true, is_suspect }
    }

    pub(super) fn pool(&self) -> &Arc<Pool<D>> {
        &self.pool
    }

    pub(super) async fn query(&mut self, statement: &str, params: &[Value]) -> Result<Vec<Row>, SqlError> {
        let (rows, _note) = (self.pool.limits.rows, self.pool.statement_begins());
        let text = self.pool.driver.dialect().spell(statement);
        self.session().query(&text, params, rows).await
    }

    pub(super) async fn execute(&mut self, statement: &str, params: &[Value]) -> Result<(), SqlError> {
        let _note = self.pool.statement_begins();
        let text = self.pool.driver.dialect().spell(statement);
        self.session().execute(&text, params).await
    }

    pub(super) async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, SqlError> {
        let _note = self.pool.statement_begins();
        let text = self.pool.driver.dialect().spell(statement);
        self.session().affected(&text, params).await
    }

    /// Keeps the connection for the next user. Nothing of this one may be left on it: no transaction, no unread row.
    pub(super) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.pool.keep(session, self.born);
        }
    }

    fn session(&mut self) -> &mut D::Session {
        self.session.as_mut().expect("only give_back and drop take it, and both consume the lease")
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.park(session);
        }
    }
}
