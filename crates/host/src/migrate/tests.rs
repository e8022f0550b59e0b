//! Migrations on databases that hold rows, under many callers at once, and stopped half way.

use std::sync::Arc;

use super::{
    MIGRATIONS, MigrateError, Migration, SchemaState, migrate_to, ready, schema_state, schema_version, script,
};
use crate::{
    fake::{self, Fakes},
    native::SystemClock,
    sql::{Dialect, Sql, Statement},
};

const CATS: Migration = Migration {
    number: 1,
    name: "0001_cats",
    mariadb: "CREATE TABLE IF NOT EXISTS cats (id INT NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL);",
    sqlite: "CREATE TABLE cats (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL);",
};

const LIVES: Migration = Migration {
    number: 2,
    name: "0002_lives",
    mariadb: "ALTER TABLE cats ADD COLUMN IF NOT EXISTS lives INT NOT NULL DEFAULT 0;\n\
              UPDATE cats SET lives = lives + 9; -- twice would be 18\n\
              CREATE INDEX IF NOT EXISTS cats_lives ON cats (lives);",
    sqlite: "ALTER TABLE cats ADD COLUMN lives INTEGER NOT NULL DEFAULT 0;\n\
             UPDATE cats SET lives = lives + 9;\n\
             CREATE INDEX cats_lives ON cats (lives);",
};

async fn lives(sql: &dyn Sql) -> Vec<i64> {
    let rows = sql.query(Statement::new("SELECT lives FROM cats ORDER BY id")).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn rows_of_the_old_schema_are_there_in_the_new_one() {
    for database in fake::databases_at(&[CATS]).await {
        let sql = database.sql.as_ref();
        sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom'), (2, 'Kit')")).await.unwrap();
        assert_eq!(schema_version(sql).await, Ok(1));
        assert_eq!(migrate_to(sql, &SystemClock, &[CATS, LIVES]).await.unwrap(), 2);
        assert_eq!(migrate_to(sql, &SystemClock, &[CATS, LIVES]).await.unwrap(), 2);
        assert_eq!(schema_version(sql).await, Ok(2));
        assert_eq!(lives(sql).await, [9, 9]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_hundreds_of_first_callers_one_migrates_and_all_succeed() {
    for database in fake::databases_at(&[CATS]).await {
        database.sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom')")).await.unwrap();
        // Twenty instances, each with its own connections and fifteen requests at once.
        let instances = (0..20).map(|_| match database.sql.dialect() {
            Dialect::Sqlite => crate::native::sqlite(database.address.as_ref()),
            Dialect::MariaDb => crate::native::mariadb(&database.address).unwrap(),
        });
        let calls: Vec<_> = instances
            .flat_map(|sql| std::iter::repeat_n(sql, 15))
            .map(|sql| tokio::spawn(async move { migrate_to(sql.as_ref(), &SystemClock, &[CATS, LIVES]).await }))
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), 2);
        }
        assert_eq!(lives(database.sql.as_ref()).await, [9]);
    }
}

#[tokio::test]
async fn a_migration_that_was_changed_afterwards_is_an_error() {
    for database in fake::databases_at(&[CATS]).await {
        let changed = Migration { mariadb: "SELECT 1", sqlite: "SELECT 1", ..CATS };
        let outcome = migrate_to(database.sql.as_ref(), &SystemClock, &[changed]).await;
        assert!(matches!(outcome, Err(MigrateError::Changed { number: 1 })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_migration_that_failed_half_way_goes_on_where_it_stopped() {
    for database in fake::databases_at(&[CATS]).await {
        let sql = database.sql.as_ref();
        sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom')")).await.unwrap();
        let (mariadb, sqlite) =
            (LIVES.mariadb.replace("cats_lives", "; oops"), LIVES.sqlite.replace("cats_lives", "; oops"));
        let broken = Migration { mariadb: mariadb.leak(), sqlite: sqlite.leak(), ..LIVES };
        let outcome = migrate_to(sql, &SystemClock, &[CATS, broken]).await;
        assert!(matches!(outcome, Err(MigrateError::Failed { number: 2, statement: 3, .. })), "{outcome:?}");
        assert_eq!(schema_version(sql).await, Ok(1));
        migrate_to(sql, &SystemClock, &[CATS, LIVES]).await.unwrap();
        assert_eq!(lives(sql).await, [9]);
    }
}

/// What a process leaves behind that was killed in the middle of the second migration.
async fn stop_half_way(sql: &dyn Sql) {
    let broken = Migration { mariadb: LIVES.mariadb.replace("cats_lives", "; oops").leak(), ..LIVES };
    migrate_to(sql, &SystemClock, &[CATS, broken]).await.unwrap_err();
}

#[tokio::test]
async fn a_migration_whose_first_statements_were_changed_meanwhile_is_refused_and_goes_on_when_they_are_back() {
    for database in fake::databases_at(&[CATS]).await {
        let sql = database.sql.as_ref();
        if sql.dialect() == Dialect::Sqlite {
            continue; // There a migration is done at once or not at all.
        }
        sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom')")).await.unwrap();
        stop_half_way(sql).await;
        for other in [LIVES.mariadb.replace("+ 9", "+ 7"), "SELECT 1".to_owned()] {
            let changed = Migration { mariadb: other.leak(), ..LIVES };
            let outcome = migrate_to(sql, &SystemClock, &[CATS, changed]).await;
            let Err(error @ MigrateError::ChangedHalfway { number: 2, statements: 2 }) = outcome else {
                panic!("{outcome:?}")
            };
            assert!(error.to_string().contains("bring back the file"), "{error}");
        }
        assert_eq!(lives(sql).await, [9]);
        // A comment and the statements that are still to come may be others.
        let mended = format!("-- Mended.\n{}", LIVES.mariadb.replace("cats_lives ON", "cats_by_lives ON"));
        migrate_to(sql, &SystemClock, &[CATS, Migration { mariadb: mended.leak(), ..LIVES }]).await.unwrap();
        assert_eq!(lives(sql).await, [9]);
    }
}

/// The first versions of this program counted statements and kept no checksum of them.
#[tokio::test]
async fn a_database_of_the_first_versions_is_brought_up_to_date_done_or_half_done() {
    for half_done in [false, true] {
        for database in fake::databases_at(&[]).await {
            let sql = database.sql.as_ref();
            let table = "CREATE TABLE schema_migrations (number INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, \
                statements_done INTEGER NOT NULL, checksum VARCHAR(16))";
            sql.execute(Statement::new("DROP TABLE IF EXISTS schema_migrations")).await.unwrap();
            sql.execute(Statement::new(table)).await.unwrap();
            sql.execute(Statement::new(script::statements(CATS.script(sql.dialect())).remove(0))).await.unwrap();
            sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom')")).await.unwrap();
            let record = "INSERT INTO schema_migrations (number, name, statements_done, checksum) VALUES (?, ?, ?, ?)";
            sql.execute(Statement::new(record).bind(1).bind(CATS.name).bind(1).bind(CATS.checksum(sql.dialect())))
                .await
                .unwrap();
            if half_done && sql.dialect() == Dialect::MariaDb {
                for statement in script::statements(LIVES.mariadb).into_iter().take(2) {
                    sql.execute(Statement::new(statement)).await.unwrap();
                }
                sql.execute(Statement::new(record).bind(2).bind(LIVES.name).bind(2).bind(None::<String>))
                    .await
                    .unwrap();
            }
            assert_eq!(migrate_to(sql, &SystemClock, &[CATS, LIVES]).await.unwrap(), 2);
            assert_eq!(lives(sql).await, [9], "{half_done}");
        }
    }
}

#[tokio::test]
async fn a_definition_that_was_carried_out_but_not_recorded_is_no_obstacle() {
    for database in fake::databases_at(&[CATS]).await {
        let sql = database.sql.as_ref();
        if sql.dialect() == Dialect::Sqlite {
            continue; // There a migration is done and recorded at once.
        }
        // What a process leaves behind that was killed between the first statement of the migration and its record.
        let begun = "INSERT INTO schema_migrations (number, name, statements_done) VALUES (2, '0002_lives', 0)";
        sql.execute(Statement::new(begun)).await.unwrap();
        sql.execute(Statement::new(script::statements(LIVES.mariadb).remove(0))).await.unwrap();
        sql.execute(Statement::new("INSERT INTO cats (id, name) VALUES (1, 'Tom')")).await.unwrap();
        migrate_to(sql, &SystemClock, &[CATS, LIVES]).await.unwrap();
        assert_eq!(lives(sql).await, [9]);
    }
}

#[tokio::test]
async fn an_older_program_works_on_a_newer_schema() {
    for database in fake::databases_at(&[CATS, LIVES]).await {
        assert_eq!(migrate_to(database.sql.as_ref(), &SystemClock, &[CATS]).await.unwrap(), 1);
        assert_eq!(schema_version(database.sql.as_ref()).await, Ok(2));
    }
}

#[tokio::test]
async fn sqlite_keeps_readers_and_the_writer_apart() {
    let database = &fake::databases_at(&[CATS]).await[0];
    let mode = database.sql.query(Statement::new("PRAGMA journal_mode")).await.unwrap();
    assert_eq!(mode[0].get::<String>(0).unwrap(), "wal");
    let synchronous = database.sql.query(Statement::new("PRAGMA synchronous")).await.unwrap();
    // 2 is FULL: what was acknowledged survives a loss of power.
    assert_eq!(synchronous[0].get::<i64>(0).unwrap(), 2);
}

#[tokio::test]
async fn with_auto_migrate_off_an_empty_database_is_reported_and_left_alone() {
    for database in fake::databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("auto_migrate", "false");
        let outcome = ready(&fakes.host).await;
        if MIGRATIONS.is_empty() {
            outcome.unwrap();
        } else {
            assert_eq!(fault::Fault::code(&outcome.unwrap_err()), "schema_outdated");
        }
        assert_eq!(schema_version(database.sql.as_ref()).await, Ok(0));
        fakes.variables.set("auto_migrate", "true");
        ready(&fakes.host).await.unwrap();
        assert_eq!(schema_version(database.sql.as_ref()).await, Ok(MIGRATIONS.last().map_or(0, |last| last.number)));
    }
}

#[tokio::test]
async fn a_setting_that_is_neither_true_nor_false_migrates_nothing_and_is_named() {
    for database in fake::databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        fakes.variables.set("auto_migrate", "nope");
        for error in [ready(&fakes.host).await.unwrap_err(), schema_state(&fakes.host).await.unwrap_err()] {
            assert_eq!(fault::Fault::code(&error), "misconfigured");
            assert_eq!(error.to_string(), "the setting auto_migrate must be true or false");
        }
        assert_eq!(schema_version(database.sql.as_ref()).await, Ok(0));
        fakes.variables.set("auto_migrate", " False");
        assert_eq!(fault::Fault::code(&ready(&fakes.host).await.unwrap_err()), "schema_outdated");
    }
}

#[tokio::test]
async fn whoever_only_looks_changes_nothing() {
    for database in fake::databases_at(&[]).await {
        let fakes = Fakes::new(Arc::clone(&database.sql));
        assert_eq!(schema_state(&fakes.host).await.unwrap(), SchemaState::Pending);
        assert_eq!(schema_version(database.sql.as_ref()).await, Ok(0));
        ready(&fakes.host).await.unwrap();
        assert_eq!(schema_state(&fakes.host).await.unwrap(), SchemaState::Current);
    }
}

#[tokio::test]
async fn an_instance_asks_once() {
    let database = fake::sqlite_database().await;
    let fakes = Fakes::new(Arc::clone(&database.sql));
    ready(&fakes.host).await.unwrap();
    let without = crate::Host { sql: Arc::new(crate::sql::Unusable::new("gone")), ..fakes.host };
    ready(&without).await.unwrap();
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let fakes = Fakes::without_database();
    ready(&fakes.host).await.unwrap_err();
    let database = fake::sqlite_database().await;
    ready(&crate::Host { sql: Arc::clone(&database.sql), ..fakes.host }).await.unwrap();
}

#[test]
fn the_embedded_migrations_are_in_order_and_may_be_resumed() {
    assert!(MIGRATIONS.is_sorted_by(|earlier, later| earlier.number < later.number));
    for migration in MIGRATIONS {
        assert!(migration.name.starts_with(&format!("{:04}_", migration.number)), "{}", migration.name);
        for statement in script::statements(migration.mariadb) {
            assert!(script::may_run_twice(&statement), "{}: say IF [NOT] EXISTS: {statement}", migration.name);
        }
        assert!(!script::statements(migration.sqlite).is_empty());
    }
}

/// The embedded migrations one after the other, each on the rows that its predecessors left: `migrations/rows` holds what the
/// program of each of them wrote.
#[tokio::test]
async fn the_rows_of_every_older_program_survive_each_embedded_migration() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/rows");
    for database in fake::databases_at(&[]).await {
        let sql = database.sql.as_ref();
        let mut inserted: Vec<(String, i64)> = Vec::new();
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            migrate_to(sql, &SystemClock, &MIGRATIONS[..=index]).await.unwrap();
            for (table, rows) in &inserted {
                assert_eq!(count(sql, table).await, *rows, "{table} after {}", migration.name);
            }
            let path = folder.join(format!("{}.sql", migration.name));
            let rows = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for statement in script::statements(&rows) {
                sql.execute(Statement::new(statement.clone())).await.unwrap();
                let table = statement.split_whitespace().nth(2).unwrap().to_owned();
                inserted.retain(|(known, _)| *known != table);
                let rows = count(sql, &table).await;
                inserted.push((table, rows));
            }
        }
        assert!(!inserted.is_empty());
    }
}

async fn count(sql: &dyn Sql, table: &str) -> i64 {
    sql.query(Statement::new(format!("SELECT COUNT(*) FROM {table}"))).await.unwrap()[0].get(0).unwrap()
}
