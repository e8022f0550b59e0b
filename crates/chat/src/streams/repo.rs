//! The table `followers`: who follows answers at the moment, by the database's clock.

use std::time::Duration;

use host::{
    params,
    sql::{Sql, SqlError, Value},
};

use crate::viewer::Viewer;

/// The places of `viewer` that have a row, each with whether its lease is over.
pub(super) async fn places(sql: &dyn Sql, viewer: &Viewer) -> Result<Vec<(i64, bool)>, SqlError> {
    let statement = format!(
        "SELECT place, CASE WHEN taken_until <= {} THEN 1 ELSE 0 END FROM followers WHERE workspace_id = ? AND user_id = ?",
        sql.dialect().now_ms()
    );
    let rows = sql.query(&statement, owner(viewer)).await?;
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
    let now = sql.dialect().now_ms();
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let (statement, values) = if is_new {
        let insert = format!(
            "INSERT INTO followers (workspace_id, user_id, place, holder, taken_until) VALUES (?, ?, ?, ?, {now} + ?)"
        );
        (insert, [owner(viewer), params![place, holder, lease_ms]].concat())
    } else {
        let update = format!(
            "UPDATE followers SET holder = ?, taken_until = {now} + ? \
             WHERE workspace_id = ? AND user_id = ? AND place = ? AND taken_until <= {now}"
        );
        (update, [params![holder, lease_ms], owner(viewer), params![place]].concat())
    };
    match sql.affected(&statement, values).await {
        Ok(rows) => Ok(rows > 0),
        Err(SqlError::UniqueViolation { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a place back, if `holder` still has it.
pub(super) async fn give_back(sql: &dyn Sql, viewer: &Viewer, place: i64, holder: &str) -> Result<(), SqlError> {
    let statement = "DELETE FROM followers WHERE workspace_id = ? AND user_id = ? AND place = ? AND holder = ?";
    sql.execute(statement, [owner(viewer), params![place, holder]].concat()).await
}

fn owner(viewer: &Viewer) -> Vec<Value> {
    params![viewer.workspace.to_string(), viewer.user.to_string()]
}
