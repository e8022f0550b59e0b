//! [`Sql`] on any driver: lone statements, with their deadline and their one retry.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    checkout::{check_out, check_out_fresh, in_time},
    dialect::{Dialect, program},
    driver::Driver,
    error::SqlError,
    lease::Lease,
    limits::Limits,
    pool::Pool,
    port::{Sql, Transaction},
    statement::Statement,
    transaction::Running,
    value::Row,
};
use crate::{Clock, Tasks};

/// A database behind a [`Driver`], with the connections of one instance.
pub(crate) struct Pooled<D: Driver> {
    pool: Arc<Pool<D>>,
}

/// What a statement is carried out for.
enum Wanted {
    Rows,
    Nothing,
    Affected,
}

enum Outcome {
    Rows(Vec<Row>),
    Nothing,
    Affected(u64),
}

impl<D: Driver> Pooled<D> {
    /// `clock` measures the deadlines; `tasks` opens and closes connections and must not stop before they are done.
    pub(crate) fn new(driver: D, clock: Arc<dyn Clock>, tasks: Arc<dyn Tasks>, limits: Limits) -> Self {
        Self { pool: Pool::new(driver, clock, tasks, limits) }
    }

    #[cfg(test)]
    pub(super) fn pool(&self) -> &Arc<Pool<D>> {
        &self.pool
    }

    async fn run(&self, statement: Statement, wanted: Wanted) -> Result<Outcome, SqlError> {
        self.pool.time().hold(self.run_with_retry(&statement, wanted)).await
    }

    async fn run_with_retry(&self, statement: &Statement, wanted: Wanted) -> Result<Outcome, SqlError> {
        let is_read = is_read(statement.text());
        let mut lease = check_out(&self.pool).await?;
        if lease.is_suspect && !is_read {
            lease = in_time(&self.pool, self.proven(lease)).await?;
        }
        let was_reused = lease.is_reused;
        match run_on(lease, statement, &wanted).await {
            Err(SqlError::Unavailable { reason }) if was_reused => {
                self.pool.park_idle();
                if !is_read {
                    let reason =
                        format!("the connection broke during a write, which may have been carried out: {reason}");
                    return Err(SqlError::Unavailable { reason: reason.into() });
                }
                let lease = check_out_fresh(&self.pool).await?;
                run_on(lease, statement, &wanted).await
            }
            outcome => outcome,
        }
    }

    /// A connection that has just answered: `lease`, or a fresh one in its place.
    async fn proven(&self, mut lease: Lease<D>) -> Result<Lease<D>, SqlError> {
        if lease.query("SELECT 1", &[]).await.is_ok() {
            return Ok(lease);
        }
        drop(lease);
        self.pool.park_idle();
        check_out_fresh(&self.pool).await
    }

    async fn begin_running(&self) -> Result<Running<D>, SqlError> {
        let mut time = self.pool.time();
        let lease = time.hold(self.begin_with_retry()).await?;
        Ok(Running::new(lease, time))
    }

    /// What [`Sql::all_or_none`] says, for a database that has no programs.
    async fn one_by_one(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        let mut transaction = Box::new(self.begin_running().await?);
        for statement in statements {
            let matched = transaction.affected(statement).await;
            if !matches!(matched, Ok(rows) if rows > 0) {
                // Where this fails the connection is lost, and the transaction with it.
                let ended = transaction.rollback().await;
                return matched.and(ended).map(|()| false);
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn begin_with_retry(&self) -> Result<Lease<D>, SqlError> {
        let begin = self.pool.driver.dialect().begin();
        let mut lease = check_out(&self.pool).await?;
        match lease.execute(begin, &[]).await {
            Ok(()) => return Ok(lease),
            Err(error) if error.loses_connection() && lease.is_reused => {}
            Err(error) => {
                // It is not known whether anything has begun on it.
                drop(lease);
                return Err(error);
            }
        }
        // A transaction that did not begin has done nothing, so this is as safe as the retry of a read.
        drop(lease);
        self.pool.park_idle();
        let mut lease = check_out_fresh(&self.pool).await?;
        lease.execute(begin, &[]).await?;
        Ok(lease)
    }
}

async fn run_on<D: Driver>(mut lease: Lease<D>, statement: &Statement, wanted: &Wanted) -> Result<Outcome, SqlError> {
    let (statement, params) = (statement.text(), statement.params());
    let outcome = match wanted {
        Wanted::Rows => lease.query(statement, params).await.map(Outcome::Rows),
        Wanted::Nothing => lease.execute(statement, params).await.map(|()| Outcome::Nothing),
        Wanted::Affected => lease.affected(statement, params).await.map(Outcome::Affected),
    };
    if !outcome.as_ref().is_err_and(SqlError::loses_connection) {
        lease.give_back();
    }
    outcome
}

/// True of what can be run twice without harm.
fn is_read(statement: &str) -> bool {
    statement.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
}

#[async_trait]
impl<D: Driver> Sql for Pooled<D> {
    fn dialect(&self) -> Dialect {
        self.pool.driver.dialect()
    }

    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        match self.run(statement, Wanted::Rows).await? {
            Outcome::Rows(rows) => Ok(rows),
            Outcome::Nothing | Outcome::Affected(_) => Ok(Vec::new()),
        }
    }

    async fn execute(&self, statement: Statement) -> Result<(), SqlError> {
        self.run(statement, Wanted::Nothing).await.map(|_| ())
    }

    async fn affected(&self, statement: Statement) -> Result<u64, SqlError> {
        match self.run(statement, Wanted::Affected).await? {
            Outcome::Affected(rows) => Ok(rows),
            Outcome::Nothing | Outcome::Rows(_) => Ok(0),
        }
    }

    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        if let [lone] = &*statements
            && let Some(returning) = lone.returning()
        {
            // It is a transaction by itself, and says what it did: a third of what a program costs the server.
            return Ok(!self.query(returning).await?.is_empty());
        }
        match self.dialect() {
            Dialect::MariaDb => {
                let program = program::all_or_none(statements);
                match self.run(program, Wanted::Nothing).await {
                    Ok(_) => Ok(true),
                    Err(error) if program::is_nothing_matched(&error) => Ok(false),
                    Err(error) => Err(error),
                }
            }
            Dialect::Sqlite => self.one_by_one(statements).await,
        }
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        Ok(Box::new(self.begin_running().await?))
    }
}
