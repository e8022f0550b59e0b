//! The one way in which transactions end: as their work ended, run again where they gave way, and with their connection kept.

use std::time::Duration;

use futures::future::BoxFuture;

use super::{
    error::SqlError,
    port::{Sql, Transaction},
    statement::Statement,
};
use crate::Clock;

/// How often a transaction is run again that gave way to another.
const RETRIES: u32 = 4;

/// How long is waited before the first time; each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// An error of work in a transaction.
pub trait WorkError: From<SqlError> {
    /// What the database said, where it is the database that failed.
    fn sql(&self) -> Option<&SqlError>;
}

impl WorkError for SqlError {
    fn sql(&self) -> Option<&SqlError> {
        Some(self)
    }
}

/// Carries out `work` in a transaction: all of it if it succeeds, nothing if it fails. Where the transaction gave way to another
/// ([`SqlError::is_transient`]) all of it is run again from its beginning, up to four times, so it must do nothing outside of the
/// transaction. The connection is kept whatever the outcome, unless it is the connection that failed.
///
/// Each run owns what it works on: a future that borrows from its closure cannot be shown to be `Send` today, as handlers have to
/// be (<https://github.com/rust-lang/rust/issues/110338>).
pub async fn transact<T, E: WorkError>(
    sql: &dyn Sql,
    clock: &dyn Clock,
    work: impl for<'t> Fn(&'t mut dyn Transaction) -> BoxFuture<'t, Result<T, E>>,
) -> Result<T, E> {
    until_it_stands(clock, || attempt(sql, &work)).await
}

/// As [`Sql::all_or_none`], carried out again where it gave way to another transaction.
pub async fn all_or_none(sql: &dyn Sql, clock: &dyn Clock, statements: Vec<Statement>) -> Result<bool, SqlError> {
    until_it_stands(clock, || sql.all_or_none(statements.clone())).await
}

/// What comes of `run`, which is repeated with growing pauses where it gave way to another transaction: it never happened then.
async fn until_it_stands<T, E: WorkError, F: Future<Output = Result<T, E>>>(
    clock: &dyn Clock,
    run: impl Fn() -> F,
) -> Result<T, E> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..RETRIES {
        match run().await {
            Err(error) if error.sql().is_some_and(SqlError::is_transient) => {}
            outcome => return outcome,
        }
        clock.sleep(pause).await;
        pause *= 2;
    }
    run().await
}

async fn attempt<T, E: WorkError>(
    sql: &dyn Sql,
    work: &impl for<'t> Fn(&'t mut dyn Transaction) -> BoxFuture<'t, Result<T, E>>,
) -> Result<T, E> {
    let mut transaction = sql.begin().await?;
    let outcome = work(&mut *transaction).await;
    conclude(transaction, outcome).await?
}

/// Makes the work of `transaction` so if its `outcome` is a success; otherwise undoes it, and keeps the connection. For work that
/// [`transact`] cannot run again; an error of this is one of the commit.
pub async fn conclude<T, E>(
    transaction: Box<dyn Transaction>,
    outcome: Result<T, E>,
) -> Result<Result<T, E>, SqlError> {
    match outcome {
        Ok(_) => transaction.commit().await?,
        Err(_) => {
            // Where this fails the connection is lost, and the transaction with it.
            if let Err(lost) = transaction.rollback().await {
                tracing::debug!(%lost, "a transaction ended with its connection");
            }
        }
    }
    Ok(outcome)
}
