//! A pool whose server and clock do what a test says.

use std::{future::Future, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use super::scripted::Server;
use crate::{
    fake::SetClock,
    native::TokioTasks,
    sql::{Limits, Pooled, Sql, SqlError, Statement},
};

/// A database on a scripted server, with a clock that stands still.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) clock: Arc<SetClock>,
    pub(super) sql: Arc<Pooled<Server>>,
}

pub(super) fn bench() -> Bench {
    bench_with(Limits::default())
}

pub(super) fn bench_with(limits: Limits) -> Bench {
    let (server, clock) = (Server::default(), Arc::new(SetClock::default()));
    let sql = Arc::new(Pooled::new(server.clone(), clock.clone(), Arc::new(TokioTasks), limits));
    Bench { server, clock, sql }
}

impl Bench {
    /// Lets every task go on until it waits for something, and closes what may be closed.
    pub(super) async fn settle(&self) {
        for _ in 0..10 {
            yield_often().await;
            self.clock.advance(Duration::from_millis(10));
        }
        yield_often().await;
    }

    /// Lets time pass and every task notice it.
    pub(super) async fn pass(&self, duration: Duration) {
        self.clock.advance(duration);
        yield_often().await;
    }

    /// Starts `work` and lets it go on until it waits for something.
    pub(super) async fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let mut work = work.boxed();
        for _ in 0..20 {
            if let Some(output) = (&mut work).now_or_never() {
                return std::future::ready(output).boxed();
            }
            tokio::task::yield_now().await;
        }
        work
    }

    pub(super) fn select(&self) -> impl Future<Output = Result<Vec<crate::sql::Row>, SqlError>> + Send + 'static {
        let sql = Arc::clone(&self.sql);
        async move { sql.query(Statement::new("SELECT cats")).await }
    }

    pub(super) fn insert(&self) -> impl Future<Output = Result<(), SqlError>> + Send + 'static {
        let sql = Arc::clone(&self.sql);
        async move { sql.execute(Statement::new("INSERT cats")).await }
    }

    /// How many connections there are, how many of them wait for work, and how many wait to be closed.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        self.sql.pool().counts()
    }
}

async fn yield_often() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub(super) fn is_unavailable<T>(outcome: &Result<T, SqlError>) -> bool {
    matches!(outcome, Err(SqlError::Unavailable { .. }))
}
