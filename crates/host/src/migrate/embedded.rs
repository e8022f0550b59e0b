//! The list of all migrations. To add one, write its two files and add its line here.

use super::Migration;

macro_rules! migrations {
    ($($number:literal $name:literal,)*) => {
        &[$(Migration {
            number: $number,
            name: $name,
            mariadb: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../migrations/mariadb/", $name, ".sql"
            )),
            sqlite: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite/", $name, ".sql"
            )),
        }),*]
    };
}

/// All migrations, oldest first.
pub const MIGRATIONS: &[Migration] = migrations![
    1 "0001_identity",
    2 "0002_conversations",
    3 "0003_accounts",
    4 "0004_answers",
    5 "0005_once_and_gone",
    6 "0006_followers",
];
