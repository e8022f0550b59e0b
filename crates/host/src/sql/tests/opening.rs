//! Opening connections, and closing them at a moment that hangs nobody.

use std::time::Duration;

use futures::{FutureExt, channel::oneshot};

use super::{
    bench::{bench, bench_with, is_unavailable},
    scripted::{GREETING, Turn, lost},
};
use crate::sql::{Limits, Sql, SqlError};

#[tokio::test]
async fn an_open_that_takes_too_long_is_not_dropped_and_its_connection_serves_the_next() {
    let bench = bench();
    let (done, waits) = oneshot::channel();
    bench.server.next_open(Turn::Waits(waits));
    let select = bench.start(bench.select()).await;
    bench.clock.advance(Duration::from_secs(3));
    assert_eq!(select.await, Err(SqlError::Unavailable { reason: "no connection within 3000 ms".into() }));
    done.send(()).unwrap();
    bench.settle().await;
    assert_eq!(bench.counts(), (1, 1, 0));
    bench.select().await.unwrap();
    assert_eq!(bench.server.events(), ["1 open", "1 SELECT cats"]);
}

#[tokio::test]
async fn while_an_open_is_stuck_everybody_is_refused_at_once_and_nothing_is_closed() {
    let bench = bench();
    // One connection waits for work, one has to be closed, and the packets of a third one are dropped.
    let (one, two) = (bench.sql.begin().await.unwrap(), bench.sql.begin().await.unwrap());
    let (done, waits) = oneshot::channel();
    bench.server.next_open(Turn::Waits(waits));
    let third = bench.start(bench.select()).await;
    one.commit().await.unwrap();
    drop(two);
    bench.pass(Duration::from_secs(3)).await;
    assert!(is_unavailable(&third.await));
    for _ in 0..100 {
        let refused = bench.select().now_or_never().expect("nobody waits");
        assert_eq!(refused, Err(SqlError::Unavailable { reason: "no connection within 3000 ms".into() }));
    }
    bench.settle().await;
    assert_eq!(bench.counts(), (3, 1, 1));
    // On Spin, statements of the instance get nowhere while the lock is held, so the one that waits is left alone.
    assert!(!bench.server.events().iter().any(|event| event.contains("SELECT") || event.contains("closed")));

    done.send(()).unwrap();
    bench.pass(Duration::from_secs(4)).await;
    bench.settle().await;
    bench.select().await.unwrap();
    bench.insert().await.unwrap();
    assert_eq!(bench.counts(), (2, 2, 0));
}

#[tokio::test]
async fn a_server_that_drops_packets_for_ever_is_asked_now_and_then_by_one_and_comes_back() {
    let bench = bench();
    let mut senders = Vec::new();
    for _ in 0..3 {
        let (done, waits) = oneshot::channel();
        senders.push(done);
        bench.server.next_open(Turn::Waits(waits));
    }
    for _ in 0..3 {
        let probe = bench.start(bench.select()).await;
        bench.pass(Duration::from_secs(3)).await;
        assert!(is_unavailable(&probe.await));
        bench.pass(Duration::from_secs(1)).await;
    }
    // The fourth gets through although three are still stuck, and so does everybody after it.
    bench.select().await.unwrap();
    bench.select().await.unwrap();
    assert_eq!(bench.counts(), (4, 1, 0));
    drop(senders);
    bench.settle().await;
    assert_eq!(bench.counts(), (4, 4, 0));
}

#[tokio::test]
async fn an_open_that_fails_is_told_and_nobody_asks_again_for_a_moment() {
    let bench = bench();
    let refused = SqlError::Unavailable { reason: "refused".into() };
    bench.server.next_open(Turn::Fails(refused.clone()));
    assert_eq!(bench.select().await, Err(refused.clone()));
    assert_eq!(bench.counts(), (0, 0, 0));
    assert_eq!(bench.select().now_or_never(), Some(Err(refused)));
    bench.clock.advance(Duration::from_secs(1));
    bench.select().await.unwrap();
    assert_eq!(bench.server.events(), ["1 open", "1 SELECT cats"]);
}

#[tokio::test]
async fn a_server_that_takes_connections_and_then_says_nothing_is_given_up_too() {
    let bench = bench();
    let (_never, waits) = oneshot::channel();
    bench.server.next(GREETING, Turn::Waits(waits));
    let select = bench.start(bench.select()).await;
    bench.pass(Duration::from_secs(3)).await;
    assert!(is_unavailable(&select.await));
    assert!(is_unavailable(&bench.select().now_or_never().expect("nobody waits")));
    bench.settle().await;
    assert_eq!(bench.counts(), (0, 0, 0));
}

/// Otherwise it could be carried out after its caller was told that it failed.
#[tokio::test]
async fn a_write_that_would_begin_too_late_is_not_begun() {
    let bench = bench_with(Limits { connections: 1, ..Limits::default() });
    let transaction = bench.sql.begin().await.unwrap();
    let insert = bench.start(bench.insert()).await;
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(insert.await, Err(SqlError::Unavailable { reason: "no connection within 5000 ms".into() }));
    transaction.commit().await.unwrap();
    bench.settle().await;

    // The same where the connection that waited for work does not answer.
    bench.pass(Duration::from_secs(6)).await;
    let (_never, waits) = oneshot::channel();
    bench.server.next("SELECT 1", Turn::Waits(waits));
    let insert = bench.start(bench.insert()).await;
    bench.clock.advance(Duration::from_secs(5));
    assert!(is_unavailable(&insert.await));
    assert!(!bench.server.events().iter().any(|event| event.contains("INSERT")));
}

/// Otherwise the instance hangs for ever (`docs/spin.md#dropping-a-connection`).
#[tokio::test]
async fn nothing_is_closed_while_a_connection_is_being_opened() {
    let bench = bench();
    bench.select().await.unwrap();
    bench.server.next("SELECT", lost());
    let (done, waits) = oneshot::channel();
    bench.server.next_open(Turn::Waits(waits));
    let retried = bench.start(bench.select()).await;
    bench.settle().await;
    assert_eq!(bench.counts(), (2, 0, 1));
    done.send(()).unwrap();
    retried.await.unwrap();
    bench.settle().await;
    let expected = ["1 open", "1 SELECT cats", "1 SELECT cats", "2 open", "2 SELECT cats", "1 closed"];
    assert_eq!(bench.server.events(), expected);
}

#[tokio::test]
async fn nothing_is_closed_while_a_statement_may_stand_in_the_queue_behind_an_open() {
    let bench = bench();
    let (one, two) = (bench.sql.begin().await.unwrap(), bench.sql.begin().await.unwrap());
    let (opened, open_waits) = oneshot::channel();
    bench.server.next_open(Turn::Waits(open_waits));
    let third = bench.start(bench.select()).await;
    let (stated, statement_waits) = oneshot::channel();
    bench.server.next("COMMIT", Turn::Waits(statement_waits));
    let commit = bench.start(one.commit()).await;
    drop(two);
    opened.send(()).unwrap();
    third.await.unwrap();
    bench.settle().await;
    assert_eq!(bench.counts().2, 1, "the open is over, but the statement that began during it is not");
    stated.send(()).unwrap();
    commit.await.unwrap();
    bench.settle().await;
    assert_eq!(bench.counts(), (2, 2, 0));
    assert!(bench.server.events().contains(&"2 closed".to_owned()));
}

#[tokio::test]
async fn beyond_the_limit_of_connections_a_call_waits_for_one_and_then_gives_up() {
    let bench = bench_with(Limits { connections: 2, ..Limits::default() });
    let (one, _two) = (bench.sql.begin().await.unwrap(), bench.sql.begin().await.unwrap());
    let waiting = bench.start(bench.select()).await;
    let given_up = bench.start(bench.select()).await;
    one.commit().await.unwrap();
    bench.clock.advance(Duration::from_millis(20));
    waiting.await.unwrap();
    // The one connection that came back is taken again at once.
    let _three = bench.sql.begin().await.unwrap();
    let given_up = bench.start(given_up).await;
    bench.clock.advance(Duration::from_secs(10));
    assert!(is_unavailable(&given_up.await));
}

#[tokio::test]
async fn a_server_that_is_full_is_asked_again_after_a_pause() {
    let bench = bench();
    bench.server.next_open(Turn::Full);
    bench.server.next_open(Turn::Full);
    let select = bench.start(bench.select()).await;
    bench.clock.advance(Duration::from_millis(20));
    let select = bench.start(select).await;
    bench.clock.advance(Duration::from_millis(40));
    select.await.unwrap();
    assert_eq!(bench.counts(), (1, 1, 0));
}
