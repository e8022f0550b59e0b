//! A database that remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    Sql,
    sql::{Dialect, Row, SqlError, Statement, Transaction},
};

/// A database that carries everything out, and remembers the statements: for tests of what costs how many.
pub struct CountedSql {
    sql: Arc<dyn Sql>,
    statements: Mutex<Vec<String>>,
}

impl CountedSql {
    /// `sql`, with its statements counted from now on.
    pub fn new(sql: Arc<dyn Sql>) -> Self {
        Self { sql, statements: Mutex::default() }
    }

    /// The statements since the last call, oldest first. A transaction is one, whatever happens in it: `BEGIN`.
    pub fn take_statements(&self) -> Vec<String> {
        std::mem::take(&mut self.statements.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, statement: &str) {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).push(statement.to_owned());
    }
}

#[async_trait]
impl Sql for CountedSql {
    fn dialect(&self) -> Dialect {
        self.sql.dialect()
    }

    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.note(statement.text());
        self.sql.query(statement).await
    }

    async fn execute(&self, statement: Statement) -> Result<(), SqlError> {
        self.note(statement.text());
        self.sql.execute(statement).await
    }

    async fn affected(&self, statement: Statement) -> Result<u64, SqlError> {
        self.note(statement.text());
        self.sql.affected(statement).await
    }

    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        for statement in &statements {
            self.note(statement.text());
        }
        self.sql.all_or_none(statements).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        self.note("BEGIN");
        self.sql.begin().await
    }
}
