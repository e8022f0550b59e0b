//! A database of which is known whether it is at work.

use super::*;

/// A database that counts the trips to it that are under way.
pub(super) struct Counted {
    sql: Arc<dyn Sql>,
    under_way: Arc<AtomicUsize>,
}

impl Counted {
    pub(super) fn new(sql: Arc<dyn Sql>, under_way: Arc<AtomicUsize>) -> Self {
        Self { sql, under_way }
    }

    async fn counted<T>(&self, trip: impl Future<Output = T>) -> T {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let outcome = trip.await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        outcome
    }
}

#[async_trait::async_trait]
impl Sql for Counted {
    fn dialect(&self) -> Dialect {
        self.sql.dialect()
    }

    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.counted(self.sql.query(statement)).await
    }

    async fn execute(&self, statement: Statement) -> Result<(), SqlError> {
        self.counted(self.sql.execute(statement)).await
    }

    async fn affected(&self, statement: Statement) -> Result<u64, SqlError> {
        self.counted(self.sql.affected(statement)).await
    }

    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        self.counted(self.sql.all_or_none(statements)).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        self.counted(self.sql.begin()).await
    }
}
