//! Throw-away databases: what a repository test runs on.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    MIGRATIONS, Migration, Random, migrate_to,
    native::{self, SystemClock, SystemRandom},
    sql::{Dialect, Sql, Statement},
};

/// A database of its own for one test. Its SQLite file goes with it; a MariaDB database is dropped by the next run.
pub struct TestDatabase {
    /// The database.
    pub sql: Arc<dyn Sql>,
    /// Its file, or its URL.
    pub address: String,
    /// Keeps the file.
    _directory: Option<tempfile::TempDir>,
}

/// The variable that says where tests find a MariaDB server whose user may create databases.
const MARIADB_URL: &str = "KOWAI_TEST_MARIADB_URL";

/// A fresh, migrated database of each kind: SQLite always, MariaDB when `KOWAI_TEST_MARIADB_URL` says where one is.
///
/// # Panics
/// If one cannot be made: the test cannot go on.
pub async fn databases() -> Vec<TestDatabase> {
    databases_at(MIGRATIONS).await
}

/// As [`databases`], but only with the given migrations carried out.
///
/// # Panics
/// If one cannot be made: the test cannot go on.
pub async fn databases_at(migrations: &[Migration]) -> Vec<TestDatabase> {
    let mut databases = vec![empty_sqlite()];
    if let Ok(url) = std::env::var(MARIADB_URL) {
        databases.push(empty_mariadb(&url).await);
    }
    for database in &databases {
        migrate_to(database.sql.as_ref(), &SystemClock, migrations).await.expect("a fresh database can be migrated");
    }
    databases
}

/// A fresh, migrated SQLite database, for tests that are not about SQL.
///
/// # Panics
/// If it cannot be made: the test cannot go on.
pub async fn sqlite_database() -> TestDatabase {
    let database = empty_sqlite();
    migrate_to(database.sql.as_ref(), &SystemClock, MIGRATIONS).await.expect("a fresh database can be migrated");
    database
}

fn empty_sqlite() -> TestDatabase {
    let directory = tempfile::tempdir().expect("a test may make a directory");
    let path = directory.path().join("test.db");
    TestDatabase { sql: native::sqlite(&path), address: path.display().to_string(), _directory: Some(directory) }
}

async fn empty_mariadb(url: &str) -> TestDatabase {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut random = [0; 4];
    SystemRandom.fill(&mut random);
    let random = u32::from_le_bytes(random);
    let name = format!("kowai_test_{random:08x}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let server = native::mariadb(url).expect("KOWAI_TEST_MARIADB_URL is valid");
    assert_eq!(server.dialect(), Dialect::MariaDb);
    drop_old_databases(server.as_ref()).await;
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
    server.execute(Statement::new(create)).await.expect("the test user may create databases");
    let mut address = url::Url::parse(url).expect("it was parsed above");
    address.set_path(&name);
    let sql = native::mariadb(address.as_str()).expect("only the database is another one");
    TestDatabase { sql, address: address.into(), _directory: None }
}

/// Drops what tests left behind that are over: databases whose newest table is an hour old.
async fn drop_old_databases(server: &dyn Sql) {
    let old = "SELECT CAST(table_schema AS CHAR) FROM information_schema.tables \
        WHERE table_schema LIKE 'kowai\\_test\\_%' GROUP BY table_schema \
        HAVING MAX(create_time) < NOW() - INTERVAL 1 HOUR LIMIT 20";
    let rows = server.query(Statement::new(old)).await.unwrap_or_default();
    for name in rows.iter().filter_map(|row| row.get::<String>(0).ok()) {
        // Another test may have been faster.
        _ = server.execute(Statement::new(format!("DROP DATABASE IF EXISTS `{name}`"))).await;
    }
}
