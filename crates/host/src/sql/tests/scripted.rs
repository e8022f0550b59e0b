//! A driver that fails as it is told and writes down what happens to its connections.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::channel::oneshot;

use crate::sql::{Dialect, Driver, Refusal, Row, Session, SqlError, Value, mariadb};

/// How the next open or statement goes; without one, well.
pub(super) enum Turn {
    /// It fails with this.
    Fails(SqlError),
    /// The server is full.
    Full,
    /// It does not end before the sender has spoken or is dropped, which are the same.
    Waits(oneshot::Receiver<()>),
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) opens: VecDeque<Turn>,
    /// For each statement that contains the text, once.
    pub(super) statements: Vec<(&'static str, Turn)>,
    /// `1 open`, `1 SELECT 1`, `1 closed`: the connection's number and what happened to it.
    pub(super) events: Vec<String>,
    opened: usize,
    opening: usize,
}

/// The other side: shared between the test, the driver and its connections.
#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<Log>>);

impl Server {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.log().events)
    }

    pub(super) fn next_open(&self, turn: Turn) {
        self.log().opens.push_back(turn);
    }

    pub(super) fn next(&self, containing: &'static str, turn: Turn) {
        self.log().statements.push((containing, turn));
    }
}

/// What a greeting begins with.
pub(super) const GREETING: &str = "SET SESSION";

pub(super) fn lost() -> Turn {
    Turn::Fails(SqlError::Unavailable { reason: "lost".into() })
}

#[async_trait]
impl Driver for Server {
    type Session = Connection;

    fn dialect(&self) -> Dialect {
        Dialect::MariaDb
    }

    fn greeting(&self) -> &'static [&'static str] {
        mariadb::GREETING
    }

    async fn connect(&self) -> Result<Connection, Refusal> {
        let turn = {
            let mut log = self.log();
            log.opening += 1;
            log.opens.pop_front()
        };
        let outcome = match turn {
            None => Ok(()),
            Some(Turn::Fails(error)) => Err(Refusal::Failed(error)),
            Some(Turn::Full) => Err(Refusal::Full),
            Some(Turn::Waits(receiver)) => {
                _ = receiver.await;
                Ok(())
            }
        };
        let mut log = self.log();
        log.opening -= 1;
        outcome?;
        log.opened += 1;
        let number = log.opened;
        log.events.push(format!("{number} open"));
        Ok(Connection { number, server: self.clone() })
    }
}

pub(super) struct Connection {
    number: usize,
    server: Server,
}

impl Connection {
    async fn carry_out(&self, statement: &str) -> Result<(), SqlError> {
        let turn = {
            let mut log = self.server.log();
            // What every connection is greeted with would only be noise, and is meant only where it is meant by name.
            let is_greeting = statement.starts_with(GREETING);
            if !is_greeting {
                log.events.push(format!("{} {statement}", self.number));
            }
            let is_meant = |text: &str| statement.contains(text) && is_greeting == (text == GREETING);
            let found = log.statements.iter().position(|(text, _)| is_meant(text));
            found.map(|index| log.statements.remove(index).1)
        };
        match turn {
            None | Some(Turn::Full) => Ok(()),
            Some(Turn::Fails(error)) => Err(error),
            Some(Turn::Waits(receiver)) => {
                _ = receiver.await;
                Ok(())
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut log = self.server.log();
        let verdict = if log.opening > 0 { "closed during an open, which hangs Spin" } else { "closed" };
        let event = format!("{} {verdict}", self.number);
        log.events.push(event);
    }
}

#[async_trait]
impl Session for Connection {
    async fn query(&mut self, statement: &str, _: &[Value], _: usize) -> Result<Vec<Row>, SqlError> {
        self.carry_out(statement).await.map(|()| Vec::new())
    }

    async fn execute(&mut self, statement: &str, _: &[Value]) -> Result<(), SqlError> {
        self.carry_out(statement).await
    }

    async fn affected(&mut self, statement: &str, _: &[Value]) -> Result<u64, SqlError> {
        self.carry_out(statement).await.map(|()| 1)
    }
}
