//! A database that cannot be used because the deployment is wrong: the process runs and says so.

use async_trait::async_trait;

use super::{
    dialect::Dialect,
    error::{Reason, SqlError},
    port::{Sql, Transaction},
    statement::Statement,
    value::Row,
};

/// Answers every call with [`SqlError::Unavailable`], so that a wrong setting becomes a clear 503 and a failing
/// `/health/ready`, not a dead instance.
pub struct Unusable {
    reason: Reason,
}

impl Unusable {
    /// A database that is not available because of `reason`, which must hold no secret.
    pub fn new(reason: impl Into<Reason>) -> Self {
        Self { reason: reason.into() }
    }

    fn error<T>(&self) -> Result<T, SqlError> {
        Err(SqlError::Unavailable { reason: self.reason.clone() })
    }
}

#[async_trait]
impl Sql for Unusable {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn query(&self, _: Statement) -> Result<Vec<Row>, SqlError> {
        self.error()
    }

    async fn execute(&self, _: Statement) -> Result<(), SqlError> {
        self.error()
    }

    async fn affected(&self, _: Statement) -> Result<u64, SqlError> {
        self.error()
    }

    async fn all_or_none(&self, _: Vec<Statement>) -> Result<bool, SqlError> {
        self.error()
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        self.error()
    }
}
