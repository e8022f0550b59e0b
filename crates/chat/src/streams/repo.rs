//! The table `followers`: who follows answers at the moment, by the database's clock.

use std::time::Duration;

use host::sql::{Sql, SqlError, Statement, Value};

use crate::viewer::Viewer;

/// The places of `viewer` that have a row, each with whether its lease is over.
pub(super) async fn places(sql: &dyn Sql, viewer: &Viewer) -> Result<Vec<(i64, bool)>, SqlError> {
    let statement = Statement::new(
        "SELECT place, CASE WHEN taken_until <= NOW_MS() THEN 1 ELSE 0 END FROM followers \
         WHERE workspace_id = ? AND user_id = ?",
    );
    let rows = sql.query(statement.bind_all(owner(viewer))).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Takes a place for `lease`; false where somebody else was faster. `is_new` where it has no row yet.
pub(super) async fn take(
    sql: &dyn Sql,
    viewer: &Viewer,
    place: i64,
    is_new: bool,
    holder: &str,
    lease: Duration,
) -> Result<bool, SqlError> {
    let statement = if is_new {
        Statement::new(
            "INSERT INTO followers (workspace_id, user_id, place, holder, taken_until) VALUES (?, ?, ?, ?, NOW_MS() + ?)",
        )
        .bind_all(owner(viewer))
        .bind(place)
        .bind(holder)
        .bind(lease)
    } else {
        Statement::new(
            "UPDATE followers SET holder = ?, taken_until = NOW_MS() + ? \
             WHERE workspace_id = ? AND user_id = ? AND place = ? AND taken_until <= NOW_MS()",
        )
        .bind(holder)
        .bind(lease)
        .bind_all(owner(viewer))
        .bind(place)
    };
    match sql.affected(statement).await {
        Ok(rows) => Ok(rows > 0),
        Err(SqlError::UniqueViolation { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a place back, if `holder` still has it.
pub(super) async fn give_back(sql: &dyn Sql, viewer: &Viewer, place: i64, holder: &str) -> Result<(), SqlError> {
    let statement =
        Statement::new("DELETE FROM followers WHERE workspace_id = ? AND user_id = ? AND place = ? AND holder = ?");
    sql.execute(statement.bind_all(owner(viewer)).bind(place).bind(holder)).await
}

fn owner(viewer: &Viewer) -> [Value; 2] {
    [viewer.workspace.into(), viewer.user.into()]
}
