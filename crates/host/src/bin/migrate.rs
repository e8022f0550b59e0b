//! Brings the schema of the database in `KOWAI_DATABASE` up to date, for `cargo xtask migrate`: the address of a MariaDB, or the
//! path of a SQLite file.

use std::{error::Error, path::Path};

use host::native::{SystemClock, mariadb, sqlite};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = std::env::var("KOWAI_DATABASE").map_err(|_| "KOWAI_DATABASE does not name a database")?;
    let sql = if database.starts_with("mysql://") {
        mariadb(&database)?
    } else {
        let file = Path::new(&database);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        sqlite(file)
    };
    let before = host::schema_version(&*sql).await?;
    let after = host::migrate(&*sql, &SystemClock).await?;
    match before == after {
        true => println!("the schema is at version {after} already"),
        false => println!("the schema is at version {after} now, and was at {before}"),
    }
    Ok(())
}
