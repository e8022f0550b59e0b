//! How transactions end.

use std::time::Duration;

use futures::future::BoxFuture;

use super::{
    bench::bench,
    scripted::{Turn, lost},
};
use crate::{
    Clock,
    fake::SetClock,
    sql::{SqlError, Statement, Transaction, transact},
};

fn insert(transaction: &mut dyn Transaction) -> BoxFuture<'_, Result<(), SqlError>> {
    transaction.execute(Statement::new("INSERT cats"))
}

/// A clock for the pauses alone: on the database's own every deadline would pass at once.
fn impatient() -> SetClock {
    let clock = SetClock::default();
    clock.make_impatient();
    clock
}

fn taken() -> Turn {
    Turn::Fails(SqlError::UniqueViolation { constraint: "k".to_owned() })
}

#[tokio::test]
async fn work_that_fails_leaves_nothing_but_its_connection() {
    let bench = bench();
    bench.server.next("INSERT", taken());
    assert!(transact(&*bench.sql, &*bench.clock, insert).await.is_err());
    transact(&*bench.sql, &*bench.clock, insert).await.unwrap();
    let first = ["1 open", "1 START TRANSACTION", "1 INSERT cats", "1 ROLLBACK"];
    let second = ["1 START TRANSACTION", "1 INSERT cats", "1 COMMIT"];
    assert_eq!(bench.server.events(), [&first[..], &second].concat());
}

#[tokio::test]
async fn a_transaction_that_gave_way_is_run_again_on_the_same_connection() {
    for error in [SqlError::Deadlock, SqlError::LockTimeout] {
        let bench = bench();
        bench.server.next("INSERT", Turn::Fails(error));
        transact(&*bench.sql, &impatient(), insert).await.unwrap();
        let first = ["1 open", "1 START TRANSACTION", "1 INSERT cats", "1 ROLLBACK"];
        let second = ["1 START TRANSACTION", "1 INSERT cats", "1 COMMIT"];
        assert_eq!(bench.server.events(), [&first[..], &second].concat());
    }
}

#[tokio::test]
async fn a_transaction_that_always_gives_way_is_given_up_after_five_attempts() {
    let bench = bench();
    for _ in 0..6 {
        bench.server.next("INSERT", Turn::Fails(SqlError::Deadlock));
    }
    let clock = impatient();
    let begun = clock.now();
    let outcome = transact(&*bench.sql, &clock, insert).await;
    assert_eq!(clock.now().since(begun), Duration::from_millis(5 + 10 + 20 + 40));
    assert_eq!(outcome, Err(SqlError::Deadlock));
    assert_eq!(bench.server.log().statements.len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_not_kept_and_its_work_not_repeated() {
    let bench = bench();
    bench.server.next("INSERT", lost());
    assert!(transact(&*bench.sql, &*bench.clock, insert).await.is_err());
    bench.settle().await;
    let inserted = bench.server.events().iter().filter(|event| event.contains("INSERT")).count();
    assert_eq!(inserted, 1);
    assert_eq!(bench.counts(), (0, 0, 0));
}
