//! Brings the schema of the database in `KOWAI_DATABASE` up to date, for `cargo xtask migrate`: the address of a MariaDB, or the
//! path of a SQLite file.

use std::{error::Error, path::Path};

use host::{
    Clock,
    native::{SystemClock, mariadb, sqlite},
};

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
    // Where components may not change the schema, this is who looks after its partitions.
    let retention = std::env::var("SPIN_VARIABLE_RETENTION_MONTHS").ok().filter(|months| !months.is_empty());
    let retention = retention.map(|months| months.trim().parse::<u32>()).transpose()?;
    if retention == Some(0) {
        return Err("retention_months must be a number of months from 1 on, or empty".into());
    }
    host::keep_partitions(&*sql, SystemClock.now(), retention).await?;
    match before == after {
        true => println!("the schema is at version {after} already"),
        false => println!("the schema is at version {after} now, and was at {before}"),
    }
    Ok(())
}
