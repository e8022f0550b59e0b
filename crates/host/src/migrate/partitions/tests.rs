//! Partitions in a year for which no migration has made any.

use super::*;
use crate::fake::{self, Fakes};
use crate::sql::Statement;

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const CATS: &str = "CREATE TABLE cats (id INT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (id, created_at)) \
    PARTITION BY RANGE (created_at) (PARTITION p2026 VALUES LESS THAN (1798761600000), \
    PARTITION p2027_01 VALUES LESS THAN (1801440000000), PARTITION later VALUES LESS THAN MAXVALUE)";

/// A MariaDB with a partitioned table, if there is one to test on.
async fn with_cats() -> Option<fake::TestDatabase> {
    let database = fake::databases_at(&[]).await.into_iter().find(|it| it.sql.dialect() == Dialect::MariaDb)?;
    database.sql.execute(Statement::new(CATS)).await.unwrap();
    for (id, born) in [(1, "2026-11-30T00:00:00Z"), (2, "2027-01-15T00:00:00Z"), (3, "2028-02-10T00:00:00Z")] {
        let insert = "INSERT INTO cats (id, created_at) VALUES (?, ?)";
        database.sql.execute(Statement::new(insert).bind(id).bind(moment(born))).await.unwrap();
    }
    Some(database)
}

/// The partitions of the table and how many rows are in each.
async fn partitions(sql: &dyn Sql) -> Vec<(String, i64)> {
    let names = "SELECT partition_name FROM information_schema.partitions WHERE table_schema = DATABASE() \
        AND table_name = 'cats' ORDER BY partition_ordinal_position";
    let mut found = Vec::new();
    for row in sql.query(Statement::new(names)).await.unwrap() {
        let name: String = row.get(0).unwrap();
        let count = format!("SELECT COUNT(*) FROM cats PARTITION (`{name}`)");
        found.push((name, sql.query(Statement::new(count)).await.unwrap()[0].get(0).unwrap()));
    }
    found
}

#[tokio::test]
async fn months_that_have_no_partition_get_one_and_rows_that_are_in_later_already_move() {
    let Some(database) = with_cats().await else { return };
    let sql = database.sql.as_ref();
    keep_partitions(sql, moment("2028-02-10T12:00:00Z"), None).await.unwrap();
    let found = partitions(sql).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let months_of_2027 = (1..=12).map(|month| format!("p2027_{month:02}"));
    let months_of_2028 = (1..=5).map(|month| format!("p2028_{month:02}"));
    let expected: Vec<String> = std::iter::once("p2026".to_owned())
        .chain(months_of_2027)
        .chain(months_of_2028)
        .chain(std::iter::once("later".to_owned()))
        .collect();
    assert_eq!(names, expected);
    let full: Vec<&str> = found.iter().filter(|(_, rows)| *rows > 0).map(|(name, _)| name.as_str()).collect();
    assert_eq!(full, ["p2026", "p2027_01", "p2028_02"]);
}

#[tokio::test]
async fn what_is_older_than_the_retention_goes_with_its_partition_and_nothing_else_does() {
    let Some(database) = with_cats().await else { return };
    let sql = database.sql.as_ref();
    keep_partitions(sql, moment("2028-02-10T12:00:00Z"), Some(13)).await.unwrap();
    let left = "SELECT id FROM cats ORDER BY id";
    let rows = sql.query(Statement::new(left)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0).unwrap()).collect::<Vec<i64>>(), [2, 3]);
    keep_partitions(sql, moment("2028-03-01T00:00:00Z"), Some(13)).await.unwrap();
    assert_eq!(sql.query(Statement::new(left)).await.unwrap().len(), 1);
    assert_eq!(partitions(sql).await[0].0, "p2027_02");
}

#[tokio::test]
async fn whoever_comes_second_does_nothing() {
    let Some(database) = with_cats().await else { return };
    let sql = database.sql.as_ref();
    let mut other = sql.begin().await.unwrap();
    assert!(lock::take(other.as_mut()).await.unwrap());
    keep_partitions(sql, moment("2028-02-10T12:00:00Z"), None).await.unwrap();
    assert_eq!(partitions(sql).await.len(), 3);
}

#[tokio::test]
async fn an_instance_looks_after_them_when_its_first_request_is_answered_and_the_next_one_does_not() {
    let Some(database) = with_cats().await else { return };
    let sql = database.sql.as_ref();
    let fakes = Fakes::new(database.sql.clone());
    crate::ready(&fakes.host).await.unwrap();
    assert_eq!(partitions(sql).await.len(), 3, "not while somebody waits");
    fakes.tasks.run().await;
    assert!(partitions(sql).await.len() > 3);
    assert!(done_on(sql).await.unwrap() > 20_000);

    // What the second instance would find to do is left for tomorrow.
    sql.execute(Statement::new("DROP TABLE cats")).await.unwrap();
    sql.execute(Statement::new(CATS)).await.unwrap();
    let second = Fakes::new(database.sql.clone());
    crate::ready(&second.host).await.unwrap();
    second.tasks.run().await;
    assert_eq!(partitions(sql).await.len(), 3);
}

#[tokio::test]
async fn a_wrong_retention_drops_nothing() {
    let Some(database) = with_cats().await else { return };
    let fakes = Fakes::new(database.sql.clone());
    fakes.variables.set("retention_months", "soon");
    crate::ready(&fakes.host).await.unwrap();
    fakes.tasks.run().await;
    assert_eq!(partitions(database.sql.as_ref()).await.len(), 3);
}

#[test]
fn a_table_that_is_up_to_date_is_left_alone() {
    let before = |name: &str, text: &str| (name.to_owned(), Some(moment(text)));
    let table = [before("p2026", "2027-01-01T00:00:00Z"), before("p2027_01", "2027-02-01T00:00:00Z")];
    let table: Vec<Partition> = table.into_iter().chain([("later".to_owned(), None)]).collect();
    assert!(changes("cats", &table, moment("2026-10-31T23:00:00Z"), Some(1)).is_empty());
    assert_eq!(
        changes("cats", &table, moment("2026-12-01T00:00:00Z"), None),
        ["ALTER TABLE `cats` REORGANIZE PARTITION later INTO (PARTITION p2027_02 VALUES LESS THAN (1803859200000), \
          PARTITION p2027_03 VALUES LESS THAN (1806537600000), PARTITION later VALUES LESS THAN MAXVALUE)"]
    );
}
