//! Every way in which a statement or a transaction can go wrong.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, channel::oneshot};

use super::{
    bench::{bench, bench_with, is_unavailable},
    scripted::{Turn, lost},
};
use crate::sql::{Limits, Sql, SqlError, Statement};

#[tokio::test]
async fn a_connection_is_used_again_after_success_and_after_an_error_of_the_statement() {
    let bench = bench();
    bench.select().await.unwrap();
    bench.server.next("INSERT", Turn::Fails(SqlError::UniqueViolation { constraint: "k".to_owned() }));
    assert!(bench.insert().await.is_err());
    bench.select().await.unwrap();
    assert_eq!(bench.server.events(), ["1 open", "1 SELECT cats", "1 INSERT cats", "1 SELECT cats"]);
    assert_eq!(bench.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_read_on_a_dead_idle_connection_is_run_once_more_on_a_fresh_one() {
    let bench = bench();
    bench.select().await.unwrap();
    bench.server.next("SELECT", lost());
    bench.select().await.unwrap();
    bench.settle().await;
    let expected = ["1 open", "1 SELECT cats", "1 SELECT cats", "2 open", "2 SELECT cats", "1 closed"];
    assert_eq!(bench.server.events(), expected);
    assert_eq!(bench.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_read_is_not_run_a_third_time_and_a_fresh_connection_gets_no_second_chance() {
    let bench = bench();
    bench.server.next("SELECT", lost());
    assert!(is_unavailable(&bench.select().await));
    bench.select().await.unwrap();
    bench.server.next("SELECT", lost());
    bench.server.next("SELECT", lost());
    assert!(is_unavailable(&bench.select().await));
    bench.settle().await;
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_write_on_a_dead_connection_is_never_run_twice() {
    let bench = bench();
    bench.insert().await.unwrap();
    bench.server.next("INSERT", lost());
    assert!(is_unavailable(&bench.insert().await));
    let writes = bench.server.events().iter().filter(|event| event.contains("INSERT")).count();
    assert_eq!(writes, 2);
}

#[tokio::test]
async fn a_connection_that_waited_for_long_is_tried_before_a_write() {
    let bench = bench();
    bench.insert().await.unwrap();
    bench.clock.advance(Duration::from_secs(6));
    bench.server.next("SELECT 1", lost());
    bench.insert().await.unwrap();
    let expected = ["1 open", "1 INSERT cats", "1 SELECT 1", "2 open", "2 INSERT cats"];
    assert_eq!(bench.server.events()[..5], expected);
}

#[tokio::test]
async fn one_dead_connection_makes_all_that_wait_suspect() {
    let bench = bench();
    let (one, two) = (bench.sql.begin().await.unwrap(), bench.sql.begin().await.unwrap());
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    bench.server.next("SELECT", lost());
    bench.select().await.unwrap();
    bench.settle().await;
    let events = bench.server.events();
    assert!(events.contains(&"1 closed".to_owned()) && events.contains(&"2 closed".to_owned()), "{events:?}");
    assert_eq!(bench.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_transaction_begins_on_a_fresh_connection_if_the_idle_one_is_dead() {
    let bench = bench();
    bench.select().await.unwrap();
    bench.server.next("START", lost());
    bench.sql.begin().await.unwrap().commit().await.unwrap();
    let expected = ["1 open", "1 SELECT cats", "1 START TRANSACTION", "2 open", "2 START TRANSACTION", "2 COMMIT"];
    assert_eq!(bench.server.events(), expected);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_connection_closed() {
    let bench = bench();
    let mut transaction = bench.sql.begin().await.unwrap();
    transaction.execute(Statement::new("INSERT cats")).await.unwrap();
    drop(transaction);
    bench.settle().await;
    let expected = ["1 open", "1 START TRANSACTION", "1 INSERT cats", "1 ROLLBACK", "1 closed"];
    assert_eq!(bench.server.events(), expected);
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_transaction_that_was_dropped_in_a_statement_reaches_nobody_else() {
    let bench = bench();
    let (_never, waits) = oneshot::channel();
    bench.server.next("INSERT", Turn::Waits(waits));
    let sql = Arc::clone(&bench.sql);
    let request = bench.start(async move {
        let mut transaction = sql.begin().await?;
        transaction.execute(Statement::new("INSERT cats")).await?;
        transaction.commit().await
    });
    drop(request.await);
    bench.select().await.unwrap();
    bench.settle().await;
    let events = bench.server.events();
    assert_eq!(events[..3], ["1 open", "1 START TRANSACTION", "1 INSERT cats"]);
    assert!(events.contains(&"2 SELECT cats".to_owned()) && events.contains(&"1 closed".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_transaction_whose_statement_was_given_up_can_do_nothing_more() {
    let bench = bench();
    let (_never, waits) = oneshot::channel();
    bench.server.next("INSERT", Turn::Waits(waits));
    let mut transaction = bench.sql.begin().await.unwrap();
    assert!(transaction.execute(Statement::new("INSERT cats")).now_or_never().is_none());
    assert!(is_unavailable(&transaction.execute(Statement::new("INSERT dogs")).await));
    assert!(is_unavailable(&transaction.commit().await));
    bench.settle().await;
    assert_eq!(bench.server.events()[3..], ["1 ROLLBACK", "1 closed"]);
}

#[tokio::test]
async fn an_error_in_the_middle_ends_a_transaction_or_only_its_statement() {
    let bench = bench();
    for (error, is_over) in [
        (SqlError::UniqueViolation { constraint: String::new() }, false),
        (SqlError::ForeignKeyViolation, false),
        (SqlError::Statement { reason: "".into() }, false),
        (SqlError::Deadlock, true),
        (SqlError::LockTimeout, true),
        (SqlError::Unavailable { reason: "".into() }, true),
        (SqlError::TooManyRows { limit: 1 }, true),
    ] {
        let mut transaction = bench.sql.begin().await.unwrap();
        bench.server.next("INSERT", Turn::Fails(error.clone()));
        assert_eq!(transaction.execute(Statement::new("INSERT cats")).await, Err(error.clone()));
        assert_eq!(transaction.affected(Statement::new("UPDATE cats")).await.is_err(), is_over, "{error:?}");
        assert_eq!(transaction.commit().await.is_err(), is_over, "{error:?}");
        bench.settle().await;
        let events = bench.server.events();
        let ended = if is_over { "closed" } else { "COMMIT" };
        assert!(events.last().unwrap().ends_with(ended), "{error:?}: {events:?}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_closes_the_connection() {
    let bench = bench();
    bench.server.next("COMMIT", lost());
    let transaction = bench.sql.begin().await.unwrap();
    assert!(is_unavailable(&transaction.commit().await));
    bench.settle().await;
    assert_eq!(bench.server.events().last().unwrap(), "1 closed");
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_costs_its_connection() {
    let bench = bench();
    let (_never, waits) = oneshot::channel();
    bench.server.next("SELECT", Turn::Waits(waits));
    drop(bench.start(bench.select()).await);
    bench.settle().await;
    assert_eq!(bench.server.events(), ["1 open", "1 SELECT cats", "1 closed"]);
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_statement_ends_at_its_deadline() {
    let bench = bench();
    let (_never, waits) = oneshot::channel();
    bench.server.next("SELECT", Turn::Waits(waits));
    let select = bench.start(bench.select()).await;
    bench.clock.advance(Duration::from_secs(10));
    let reason = "no answer within 10000 ms".into();
    assert_eq!(select.await, Err(SqlError::Unavailable { reason }));
    bench.settle().await;
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn connections_that_wait_for_too_long_or_are_too_many_or_too_old_are_closed() {
    let bench = bench_with(Limits { idle: 1, ..Limits::default() });
    let (one, two) = (bench.sql.begin().await.unwrap(), bench.sql.begin().await.unwrap());
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    bench.settle().await;
    assert_eq!(bench.counts(), (1, 1, 0));

    bench.clock.advance(Duration::from_secs(61));
    bench.select().await.unwrap();
    bench.settle().await;
    assert!(bench.server.events().contains(&"1 closed".to_owned()));

    let transaction = bench.sql.begin().await.unwrap();
    bench.clock.advance(Duration::from_secs(15 * 60));
    transaction.commit().await.unwrap();
    bench.settle().await;
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn rows_that_are_left_unread_cost_the_connection() {
    let bench = bench();
    bench.server.next("SELECT", Turn::Fails(SqlError::TooManyRows { limit: 10_000 }));
    assert_eq!(bench.select().await, Err(SqlError::TooManyRows { limit: 10_000 }));
    bench.settle().await;
    assert_eq!(bench.counts(), (0, 0, 0));
}
