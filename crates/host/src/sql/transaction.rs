//! A transaction on a connection of its own that cannot outlive its owner.

use std::{future::Future, time::Duration};

use async_trait::async_trait;

use super::{
    driver::Driver, error::SqlError, lease::Lease, port::Transaction, statement::Statement, time::Time, value::Row,
};

/// A transaction that has begun and is not over.
pub(super) struct Running<D: Driver> {
    lease: Option<Lease<D>>,
    time: Time,
    /// What ended the transaction early.
    ended_by: Option<SqlError>,
}

impl<D: Driver> Running<D> {
    /// A transaction that has begun on `lease`, and the `time` that is left for it.
    pub(super) fn new(lease: Lease<D>, time: Time) -> Self {
        Self { lease: Some(lease), time, ended_by: None }
    }

    /// Runs one statement. From its first poll to its last the transaction counts as ended by `abandoned`, so that it is
    /// ended if the caller's future is dropped half way.
    async fn run<'l, T, F>(&'l mut self, statement: impl FnOnce(&'l mut Lease<D>) -> F) -> Result<T, SqlError>
    where
        F: Future<Output = Result<T, SqlError>> + Send + 'l,
    {
        if let Some(error) = &self.ended_by {
            return Err(error.clone());
        }
        let abandoned = SqlError::Unavailable { reason: "the transaction was abandoned in a statement".into() };
        self.ended_by = Some(abandoned);
        let lease =
            self.lease.as_mut().expect("only commit, rollback and drop take it, and all consume the transaction");
        let outcome = self.time.hold(statement(lease)).await;
        self.ended_by = outcome.as_ref().err().filter(|error| error.ends_transaction()).cloned();
        outcome
    }

    async fn end(mut self, statement: &'static str) -> Result<(), SqlError> {
        self.run(|lease| lease.execute(statement, &[])).await?;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
        Ok(())
    }
}

#[async_trait]
impl<D: Driver> Transaction for Running<D> {
    async fn query(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.run(|lease| async move { lease.query(statement.text(), statement.params()).await }).await
    }

    async fn execute(&mut self, statement: Statement) -> Result<(), SqlError> {
        self.run(|lease| async move { lease.execute(statement.text(), statement.params()).await }).await
    }

    async fn affected(&mut self, statement: Statement) -> Result<u64, SqlError> {
        self.run(|lease| async move { lease.affected(statement.text(), statement.params()).await }).await
    }

    fn set_deadline(&mut self, limit: Duration) {
        if let Some(lease) = &self.lease {
            self.time = lease.pool().time_of(limit);
        }
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        self.end("COMMIT").await
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), SqlError> {
        // Whatever the database has undone of it, after this nothing is left, and the connection is sound.
        self.ended_by = self.ended_by.take().filter(|error| !error.is_transient());
        self.end("ROLLBACK").await
    }
}

impl<D: Driver> Drop for Running<D> {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        let pool = std::sync::Arc::clone(lease.pool());
        let tasks = std::sync::Arc::clone(&pool.tasks);
        // Its row locks must not last for as long as the connection may stay parked. Whether this works or not, the
        // connection is not used again.
        tasks.spawn(Box::pin(async move {
            let outcome = pool.time().hold(lease.execute("ROLLBACK", &[])).await;
            if let Err(error) = outcome {
                tracing::debug!(%error, "a transaction that was dropped could not be rolled back; its connection is closed");
            }
        }));
    }
}
