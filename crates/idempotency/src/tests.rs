use host::fake::{Fakes, TestDatabase, databases};
use host::sql::Statement;

use fault::{Fault as _, Kind};

use super::*;

/// A database with somebody who sends requests to it.
struct Sender {
    fakes: Fakes,
    owner: Owner,
    _database: TestDatabase,
}

async fn senders() -> Vec<Sender> {
    let sender = |database: TestDatabase| {
        let fakes = Fakes::new(database.sql.clone());
        let owner = Owner { workspace: fakes.host.new_id(), user: fakes.host.new_id() };
        Sender { fakes, owner, _database: database }
    };
    databases().await.into_iter().map(sender).collect()
}

fn attempt(key: &str, body: &str) -> Attempt {
    Attempt::new(&Key::parse(key.as_bytes()).unwrap(), "POST", "/v1/things", body.as_bytes())
}

impl Sender {
    /// Creates the workspace `outcome`, once for each key.
    async fn send(&self, owner: Owner, attempt: &Attempt, outcome: &str) -> Result<Stored, IdempotencyError> {
        let work =
            Statement::new("INSERT INTO workspaces (id, name, created_at) VALUES (?, 'a thing', 0)").bind(outcome);
        attempt.store(&*self.fakes.host.sql, owner, outcome, vec![work], self.fakes.host.now()).await
    }

    async fn count(&self, table: &str) -> i64 {
        let rows = self.fakes.host.sql.query(Statement::new(format!("SELECT COUNT(*) FROM {table}"))).await.unwrap();
        rows[0].get(0).unwrap()
    }
}

#[tokio::test]
async fn the_same_request_happens_once_and_another_one_under_its_key_not_at_all() {
    for sender in senders().await {
        let owner = sender.owner;
        assert_eq!(sender.send(owner, &attempt("k", "{}"), "a").await.unwrap(), Stored::Now);
        assert_eq!(sender.send(owner, &attempt("k", "{}"), "b").await.unwrap(), Stored::Before("a".to_owned()));
        let reused = sender.send(owner, &attempt("k", "{ }"), "c").await.unwrap_err();
        assert_eq!((reused.code(), reused.kind()), ("idempotency_key_reused", Kind::Invalid));
        assert_eq!(sender.send(owner, &attempt("other", "{}"), "d").await.unwrap(), Stored::Now);
        // The same key of somebody else is another key.
        let colleague = Owner { user: sender.fakes.host.new_id(), ..owner };
        assert_eq!(sender.send(colleague, &attempt("k", "{}"), "e").await.unwrap(), Stored::Now);
        assert_eq!((sender.count("workspaces").await, sender.count("idempotency_keys").await), (3, 3));
    }
}

#[tokio::test]
async fn of_many_at_once_one_does_the_work_and_all_learn_what_it_came_to() {
    for sender in senders().await {
        let sends = (0..24).map(|number| {
            let (sender, attempt) = (&sender, attempt("k", "{}"));
            async move { sender.send(sender.owner, &attempt, &format!("thing {number}")).await.unwrap() }
        });
        let outcomes = futures::future::join_all(sends).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Stored::Now).count(), 1);
        let rows = sender.fakes.host.sql.query(Statement::new("SELECT id FROM workspaces")).await.unwrap();
        let created: String = rows[0].get(0).unwrap();
        assert_eq!(rows.len(), 1);
        let others = outcomes.iter().filter(|outcome| **outcome == Stored::Before(created.clone()));
        assert_eq!(others.count(), 23);
    }
}

#[tokio::test]
async fn work_that_fails_leaves_its_key_unused() {
    for sender in senders().await {
        let sql = &*sender.fakes.host.sql;
        let (owner, now) = (sender.owner, sender.fakes.host.now());
        let nothing = Statement::new("UPDATE workspaces SET name = 'x' WHERE id = ?").bind("nobody");
        let stored = attempt("k", "{}").store(sql, owner, "a", vec![nothing], now).await.unwrap();
        assert_eq!(stored, Stored::NothingMatched);
        assert_eq!(sender.send(owner, &attempt("taken", "{}"), "a").await.unwrap(), Stored::Now);
        // Another unique key than ours is violated.
        let taken = sender.send(owner, &attempt("k", "{}"), "a").await.unwrap_err();
        assert!(matches!(taken, IdempotencyError::Sql(SqlError::UniqueViolation { .. })), "{taken:?}");
        assert_eq!(attempt("k", "{}").recall(sql, owner, now).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    for sender in senders().await {
        let (owner, sql) = (sender.owner, &*sender.fakes.host.sql);
        sender.send(owner, &attempt("k", "{}"), "a").await.unwrap();
        sender.fakes.clock.advance(KEPT_FOR - Duration::from_millis(1));
        assert_eq!(sender.send(owner, &attempt("k", "{}"), "b").await.unwrap(), Stored::Before("a".to_owned()));
        sender.fakes.clock.advance(Duration::from_millis(1));
        assert_eq!(sender.send(owner, &attempt("k", "{ }"), "b").await.unwrap(), Stored::Now);
        sender.send(owner, &attempt("l", "{}"), "c").await.unwrap();
        sweep(sql, sender.fakes.host.now()).await.unwrap();
        assert_eq!(sender.count("idempotency_keys").await, 2, "none has expired");
        sender.fakes.clock.advance(KEPT_FOR);
        sweep(sql, sender.fakes.host.now()).await.unwrap();
        assert_eq!(sender.count("idempotency_keys").await, 0);
    }
}
