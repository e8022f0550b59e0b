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

    async fn query(&self, statement: &str, params: Vec<Value>) -> Result<Vec<Row>, SqlError> {
        self.counted(self.sql.query(statement, params)).await
    }

    async fn execute(&self, statement: &str, params: Vec<Value>) -> Result<(), SqlError> {
        self.counted(self.sql.execute(statement, params)).await
    }

    async fn affected(&self, statement: &str, params: Vec<Value>) -> Result<u64, SqlError> {
        self.counted(self.sql.affected(statement, params)).await
    }

    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        self.counted(self.sql.all_or_none(statements)).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        self.counted(self.sql.begin()).await
    }
}
