//! What the port promises, on every database at hand.

use std::{sync::Arc, time::Duration};

use ids::{Id as _, Timestamp, UserId, WorkspaceId};

use crate::{
    fake,
    sql::{Dialect, Row, Sql, SqlError, Statement, Value},
};

const TABLE: &str = "CREATE TABLE cats (id VARCHAR(40) NOT NULL PRIMARY KEY, name VARCHAR(100), lives BIGINT NOT NULL, \
    weight DOUBLE, photo BLOB)";

async fn with_cats() -> Vec<fake::TestDatabase> {
    let databases = fake::databases_at(&[]).await;
    for database in &databases {
        database.sql.execute(Statement::new(TABLE)).await.unwrap();
        database.sql.execute(Statement::new("CREATE UNIQUE INDEX cats_name ON cats (name)")).await.unwrap();
    }
    databases
}

async fn add(sql: &dyn Sql, id: &str, name: &str) -> Result<(), SqlError> {
    sql.execute(Statement::new("INSERT INTO cats (id, name, lives) VALUES (?, ?, 9)").bind(id).bind(name)).await
}

async fn count(sql: &dyn Sql) -> i64 {
    sql.query(Statement::new("SELECT COUNT(*) FROM cats")).await.unwrap()[0].get(0).unwrap()
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    for database in with_cats().await {
        let born = Timestamp::from_millis(1_764_000_000_123);
        let insert = "INSERT INTO cats (id, name, lives, weight, photo) VALUES (?, ?, ?, ?, ?)";
        database
            .sql
            .execute(
                Statement::new(insert)
                    .bind("1")
                    .bind("Mönch's \"; DROP TABLE cats; --")
                    .bind(born)
                    .bind(4.25)
                    .bind(vec![0_u8, 255, 39]),
            )
            .await
            .unwrap();
        database
            .sql
            .execute(
                Statement::new(insert)
                    .bind("2")
                    .bind(None::<String>)
                    .bind(i64::MIN)
                    .bind(None::<f64>)
                    .bind(Value::Null),
            )
            .await
            .unwrap();

        let rows = database
            .sql
            .query(Statement::new("SELECT name, lives, weight, photo FROM cats ORDER BY id"))
            .await
            .unwrap();
        assert_eq!(rows[0].get::<String>(0).unwrap(), "Mönch's \"; DROP TABLE cats; --");
        assert_eq!(rows[0].get::<Timestamp>(1).unwrap(), born);
        assert_eq!(rows[0].get::<f64>(2).unwrap(), 4.25);
        assert_eq!(rows[0].get::<Vec<u8>>(3).unwrap(), [0, 255, 39]);
        assert_eq!(rows[1], Row::new(vec![Value::Null, Value::Integer(i64::MIN), Value::Null, Value::Null]));
    }
}

#[tokio::test]
async fn affected_rows_are_those_that_matched_changed_or_not() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        add(sql, "1", "Tom").await.unwrap();
        add(sql, "2", "Kit").await.unwrap();
        let update = "UPDATE cats SET lives = 9 WHERE id >= ?";
        assert_eq!(sql.affected(Statement::new(update).bind("1")).await.unwrap(), 2, "{:?}", sql.dialect());
        assert_eq!(sql.affected(Statement::new(update).bind("3")).await.unwrap(), 0);
        assert_eq!(sql.affected(Statement::new("DELETE FROM cats WHERE id = ?").bind("1")).await.unwrap(), 1);
        let copy = "INSERT INTO cats (id, name, lives) SELECT 'c', 'Copy', lives FROM cats WHERE id = ?";
        assert_eq!(sql.affected(Statement::new(copy).bind("none")).await.unwrap(), 0);
        assert_eq!(sql.affected(Statement::new(copy).bind("2")).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_second_row_with_the_same_key_names_the_key() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        add(sql, "1", "Tom").await.unwrap();
        let named = |error| match error {
            Err(SqlError::UniqueViolation { constraint }) => constraint,
            other => panic!("{other:?}"),
        };
        let (by_id, by_name) = (named(add(sql, "1", "Other").await), named(add(sql, "2", "Tom").await));
        assert_eq!(
            (by_id.as_str(), by_name.as_str()),
            match sql.dialect() {
                Dialect::Sqlite => ("cats.id", "cats.name"),
                Dialect::MariaDb => ("PRIMARY", "cats_name"),
            }
        );
        // The same through a query that inserts, which loses its error on Spin.
        let returning = "INSERT INTO cats (id, name, lives) VALUES ('1', 'x', 1) RETURNING id";
        assert!(matches!(sql.query(Statement::new(returning)).await, Err(SqlError::UniqueViolation { .. })));
        assert_eq!(count(sql).await, 1);
    }
}

#[tokio::test]
async fn a_wrong_statement_is_a_defect_and_leaves_the_connection_usable() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        for wrong in ["SELECT nothing FROM nowhere", "SELEC 1", "SELECT ? + ?"] {
            let error = sql.query(Statement::new(wrong).bind(1)).await.unwrap_err();
            assert!(matches!(error, SqlError::Statement { .. }), "{wrong}: {error:?}");
        }
        assert_eq!(count(sql).await, 0);
    }
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        let mut transaction = sql.begin().await.unwrap();
        transaction.execute(Statement::new("INSERT INTO cats (id, lives) VALUES ('1', 9)")).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(count(sql).await, 0);

        let mut transaction = sql.begin().await.unwrap();
        transaction.execute(Statement::new("INSERT INTO cats (id, lives) VALUES ('1', 9)")).await.unwrap();
        drop(transaction);
        // The next transaction gets the lock although nobody ended the last one by hand.
        let mut transaction = sql.begin().await.unwrap();
        let insert = "INSERT INTO cats (id, name, lives) VALUES (?, 'Tom', 9)";
        transaction.execute(Statement::new(insert).bind("1")).await.unwrap();
        let twice = transaction.execute(Statement::new(insert).bind("2")).await;
        assert!(matches!(twice, Err(SqlError::UniqueViolation { .. })));
        assert_eq!(transaction.affected(Statement::new("UPDATE cats SET lives = 8")).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        assert_eq!(sql.query(Statement::new("SELECT lives FROM cats")).await.unwrap()[0].get::<i64>(0).unwrap(), 8);
    }
}

#[tokio::test]
async fn statements_that_belong_together_all_match_a_row_or_none_happens() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        let insert = |id: &str, name: &str| {
            Statement::new("INSERT INTO cats (id, name, lives) VALUES (?, ?, 9)").bind(id).bind(name)
        };
        let take_a_life =
            |id: &str| Statement::new("UPDATE cats SET lives = lives - 1 WHERE id = ?").bind(id.to_owned());
        assert_eq!(sql.all_or_none(vec![insert("1", "Tom"), take_a_life("1"), insert("2", "Kit")]).await, Ok(true));
        assert_eq!(count(sql).await, 2);

        // One that matches no row undoes what came before it and keeps away what would have come.
        let lost = vec![insert("3", "Max"), take_a_life("1"), take_a_life("nobody"), take_a_life("2")];
        assert_eq!(sql.all_or_none(lost).await, Ok(false));
        // So does one that fails, which says how.
        let twice = sql.all_or_none(vec![take_a_life("1"), insert("3", "Tom")]).await;
        assert!(matches!(twice, Err(SqlError::UniqueViolation { .. })), "{twice:?}");
        let wrong = sql.all_or_none(vec![take_a_life("1"), Statement::new("DELETE FROM dogs")]).await;
        assert!(matches!(wrong, Err(SqlError::Statement { .. })), "{wrong:?}");
        assert_eq!(count(sql).await, 2);
        let lives = sql.query(Statement::new("SELECT lives FROM cats ORDER BY id")).await.unwrap();
        assert_eq!(lives.iter().map(|row| row.get(0).unwrap()).collect::<Vec<i64>>(), [8, 9]);
        // The connection is as good as before: nothing is left open on it.
        sql.begin().await.unwrap().rollback().await.unwrap();
        assert_eq!(sql.all_or_none(vec![take_a_life("2")]).await, Ok(true));
    }
}

#[tokio::test]
async fn an_insert_alone_says_whether_it_made_a_row() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        sql.execute(Statement::new("INSERT INTO cats (id, name, lives) VALUES ('1', 'Tom', 9)")).await.unwrap();
        let kitten_of = |id: &str, name: &str| {
            let copy = "INSERT INTO cats (id, name, lives) SELECT ?, ?, lives FROM cats WHERE id = ? FOR UPDATE";
            vec![Statement::new(copy).bind(name).bind(name).bind(id)]
        };
        assert_eq!(sql.all_or_none(kitten_of("1", "Kit")).await, Ok(true));
        assert_eq!(sql.all_or_none(kitten_of("nobody", "Max")).await, Ok(false));
        let twice = sql.all_or_none(kitten_of("1", "Tom")).await;
        assert!(matches!(twice, Err(SqlError::UniqueViolation { .. })), "{twice:?}");
        assert_eq!(count(sql).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_that_belong_together_wait_for_locks_and_give_way_in_deadlocks() {
    for database in with_cats().await {
        let sql = &database.sql;
        for id in ["1", "2"] {
            add(sql.as_ref(), id, id).await.unwrap();
        }
        let both = |order: [&'static str; 2]| {
            let lock = |id| Statement::new("UPDATE cats SET lives = lives + 1 WHERE id = ?").bind(id);
            let (sql, statements) = (Arc::clone(sql), order.map(lock).to_vec());
            tokio::spawn(async move {
                loop {
                    match sql.all_or_none(statements.clone()).await {
                        Err(SqlError::Deadlock) => {}
                        outcome => return outcome,
                    }
                }
            })
        };
        let tasks: Vec<_> = (0..40).map(|n| both(if n % 2 == 0 { ["1", "2"] } else { ["2", "1"] })).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(true));
        }
        let lives = sql.query(Statement::new("SELECT lives FROM cats")).await.unwrap();
        assert_eq!(lives.iter().map(|row| row.get(0).unwrap()).collect::<Vec<i64>>(), [49, 49]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_beside_each_other_lose_no_update() {
    for database in with_cats().await {
        add(database.sql.as_ref(), "1", "Tom").await.unwrap();
        let increments = (0..40).map(|_| {
            let sql = Arc::clone(&database.sql);
            tokio::spawn(async move {
                let mut transaction = sql.begin().await?;
                transaction.execute(Statement::new("UPDATE cats SET lives = lives + 1 WHERE id = '1'")).await?;
                let lives: i64 = transaction.query(Statement::new("SELECT lives FROM cats")).await?[0].get(0)?;
                transaction.commit().await?;
                Ok::<_, SqlError>(lives)
            })
        });
        let mut seen = Vec::new();
        for increment in increments.collect::<Vec<_>>() {
            seen.push(increment.await.unwrap().unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (10..50).collect::<Vec<i64>>());
    }
}

#[tokio::test]
async fn who_gives_way_in_a_deadlock_is_told_so_and_can_do_nothing_more() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        if sql.dialect() == Dialect::Sqlite {
            continue; // One writer at a time cannot deadlock.
        }
        add(sql, "1", "Tom").await.unwrap();
        add(sql, "2", "Kit").await.unwrap();
        let (mut one, mut two) = (sql.begin().await.unwrap(), sql.begin().await.unwrap());
        let lock = "UPDATE cats SET lives = lives + 1 WHERE id = ?";
        one.execute(Statement::new(lock).bind("1")).await.unwrap();
        two.execute(Statement::new(lock).bind("2")).await.unwrap();
        let (first, second) =
            futures::join!(one.execute(Statement::new(lock).bind("2")), two.execute(Statement::new(lock).bind("1")));
        let (mut victim, winner) = match (first, second) {
            (Err(SqlError::Deadlock), Ok(())) => (one, two),
            (Ok(()), Err(SqlError::Deadlock)) => (two, one),
            other => panic!("{other:?}"),
        };
        assert_eq!(victim.execute(Statement::new("DELETE FROM cats")).await, Err(SqlError::Deadlock));
        assert_eq!(victim.commit().await, Err(SqlError::Deadlock));
        winner.commit().await.unwrap();
        assert_eq!(count(sql).await, 2);
    }
}

#[tokio::test]
async fn more_rows_than_anybody_should_read_are_an_error_and_not_a_memory_problem() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101) \
            SELECT a.i FROM n AS a CROSS JOIN n AS b";
        assert_eq!(sql.query(Statement::new(many)).await.unwrap_err(), SqlError::TooManyRows { limit: 10_000 });
        assert_eq!(sql.query(Statement::new(format!("{many} LIMIT 10000"))).await.unwrap().len(), 10_000);
    }
}

#[tokio::test]
async fn a_connection_that_was_killed_is_replaced_and_only_reads_are_run_again() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        if sql.dialect() == Dialect::Sqlite {
            continue; // Nobody can kill a connection to a file.
        }
        kill_idle(sql, &database.address).await;
        assert_eq!(count(sql).await, 0);
        kill_idle(sql, &database.address).await;
        assert!(matches!(add(sql, "1", "Tom").await, Err(SqlError::Unavailable { .. })));
        add(sql, "1", "Tom").await.unwrap();
        kill_idle(sql, &database.address).await;
        sql.begin().await.unwrap().rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_does_not_work_as_the_server_happens_to_be_configured() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        match sql.dialect() {
            Dialect::Sqlite => {
                let synchronous = sql.query(Statement::new("PRAGMA synchronous")).await.unwrap();
                assert_eq!(synchronous[0].get::<i64>(0).unwrap(), 2, "FULL");
            }
            Dialect::MariaDb => {
                let settings = "SELECT @@autocommit, CAST(@@tx_isolation AS CHAR), @@innodb_lock_wait_timeout, \
                    CAST(@@max_statement_time AS SIGNED)";
                let rows = sql.query(Statement::new(settings)).await.unwrap();
                let expected = vec![
                    Value::Integer(1),
                    Value::Text("READ-COMMITTED".to_owned()),
                    Value::Integer(4),
                    Value::Integer(5),
                ];
                assert_eq!(rows[0], Row::new(expected));
            }
        }
    }
}

/// The server gives a write up before its caller does: what failed for the caller is not carried out afterwards.
#[tokio::test]
async fn a_write_or_a_program_that_takes_too_long_is_given_up_by_the_server() {
    for database in with_cats().await {
        let sql = database.sql.as_ref();
        if sql.dialect() == Dialect::Sqlite {
            continue; // There a statement only ever waits for the write lock, which has its own limit.
        }
        add(sql, "1", "Tom").await.unwrap();
        // There is one connection, and it keeps what is said to it: a limit that a test can wait for.
        sql.execute(Statement::new("SET SESSION max_statement_time = 0.2")).await.unwrap();
        let slow = "UPDATE cats SET lives = (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
            SELECT COUNT(*) FROM n AS a, n AS b, n AS c, n AS d)";
        let program = vec![Statement::new("UPDATE cats SET name = 'Max'"), Statement::new(slow)];
        for outcome in [sql.execute(Statement::new(slow)).await, sql.all_or_none(program).await.map(drop)] {
            let Err(SqlError::Unavailable { reason }) = &outcome else { panic!("{outcome:?}") };
            assert!(reason.as_str().contains("max_statement_time"), "{reason}");
        }
        let rows = sql.query(Statement::new("SELECT name, lives FROM cats")).await.unwrap();
        assert_eq!(rows[0], Row::new(vec![Value::Text("Tom".to_owned()), Value::Integer(9)]));
    }
}

/// Kills the one connection that waits for work, from another one.
async fn kill_idle(sql: &dyn Sql, address: &str) {
    let id: i64 = sql.query(Statement::new("SELECT CONNECTION_ID()")).await.unwrap()[0].get(0).unwrap();
    let other = crate::native::mariadb(address).unwrap();
    other.execute(Statement::new(format!("KILL {id}"))).await.unwrap();
    let alive = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?";
    for _ in 0..200 {
        if other.query(Statement::new(alive).bind(id)).await.unwrap()[0].get::<i64>(0).unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the connection {id} outlives its killing");
}

#[tokio::test]
async fn ids_and_moments_are_bound_and_read_as_what_they_are_and_now_is_the_databases() {
    for database in with_cats().await {
        let sql = &*database.sql;
        let (id, born) = (UserId::new(Timestamp::from_millis(1_764_000_000_123), [7; 10]), Duration::from_millis(9));
        let insert = Statement::new("INSERT INTO cats (id, name, lives) VALUES (?, ?, NOW_MS() - ?)");
        sql.execute(insert.bind(id).bind(None::<UserId>).bind(born)).await.unwrap();
        let select = Statement::new("SELECT id, name, lives, NOW_MS() FROM cats WHERE id = ? FOR UPDATE").bind(id);
        let row = sql.query(select).await.unwrap().remove(0);
        assert_eq!((row.get(0), row.get(1)), (Ok(id), Ok(None::<UserId>)));
        assert!(row.get::<WorkspaceId>(0).is_err(), "an id of another kind is none");
        let (then, now): (Timestamp, Timestamp) = (row.get(2).unwrap(), row.get(3).unwrap());
        let passed = now.since(then);
        assert!((born..Duration::from_secs(60)).contains(&passed), "{passed:?}");
    }
}
