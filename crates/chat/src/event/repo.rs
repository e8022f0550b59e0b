//! The table `message_events`.

use host::sql::{Dialect, Sql, SqlError, Transaction, Value};
use ids::{Id, MessageId, WorkspaceId};

use super::{Event, pack, unpack};
use crate::{conversation::repo::for_update, error::ChatError};

/// The most events that a row holds.
pub(crate) const MAX_EVENTS_PER_ROW: usize = 64;

/// The most rows that are read at once.
const ROWS_PER_READ: i64 = 200;

/// Stores `events`, numbered without gaps, if the answer `id` is still `in_progress`; false where it is not.
///
/// The answer's row is held until the end of the transaction (or statement), so that an answer cannot end between the look at
/// its status and the event.
pub(crate) async fn append(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: MessageId,
    events: &[Event],
) -> Result<bool, SqlError> {
    let (statement, params) = append_statement(sql.dialect(), workspace, id, events);
    Ok(!sql.query(&statement, params).await?.is_empty())
}

/// As [`append`], as a part of `transaction`.
pub(crate) async fn append_in(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    workspace: WorkspaceId,
    id: MessageId,
    events: &[Event],
) -> Result<bool, SqlError> {
    let (statement, params) = append_statement(dialect, workspace, id, events);
    Ok(!transaction.query(&statement, params).await?.is_empty())
}

fn append_statement(dialect: Dialect, workspace: WorkspaceId, id: MessageId, events: &[Event]) -> (String, Vec<Value>) {
    let lock = for_update(dialect);
    let statement = format!(
        "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) \
         SELECT m.id, m.workspace_id, ?, ?, m.created_at FROM messages m \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress'{lock} \
         RETURNING first_seq"
    );
    let first_seq = events.first().map_or(0, |event| event.seq);
    let params = vec![
        Value::Integer(i64::try_from(first_seq).unwrap_or(i64::MAX)),
        pack(events).into(),
        id.to_string().into(),
        id.made_at().into(),
        workspace.to_string().into(),
    ];
    (statement, params)
}

/// Events of the answer `id` with numbers above `after`, in order; perhaps not all of them, and none only if there is none.
pub(crate) async fn after(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: MessageId,
    after: u64,
) -> Result<Vec<Event>, ChatError> {
    let (statement, params) = after_statement(workspace, id, after);
    unpack_rows(sql.query(statement, params).await?, after)
}

/// All events of the answer `id`.
pub(crate) async fn all_in(
    transaction: &mut dyn Transaction,
    workspace: WorkspaceId,
    id: MessageId,
) -> Result<Vec<Event>, ChatError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let last = events.last().map_or(0, |event| event.seq);
        let (statement, params) = after_statement(workspace, id, last);
        let more = unpack_rows(transaction.query(statement, params).await?, last)?;
        if more.is_empty() {
            return Ok(events);
        }
        events.extend(more);
    }
}

fn after_statement(workspace: WorkspaceId, id: MessageId, after: u64) -> (&'static str, Vec<Value>) {
    let statement = "SELECT first_seq, events FROM message_events \
                     WHERE message_id = ? AND created_at = ? AND workspace_id = ? AND first_seq > ? \
                     ORDER BY first_seq LIMIT ?";
    // The event after `after` may be in a row that begins before it.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let first_row_after = after.saturating_sub(i64::try_from(MAX_EVENTS_PER_ROW).unwrap_or(0));
    let params = vec![
        id.to_string().into(),
        id.made_at().into(),
        workspace.to_string().into(),
        first_row_after.into(),
        ROWS_PER_READ.into(),
    ];
    (statement, params)
}

fn unpack_rows(rows: Vec<host::sql::Row>, after: u64) -> Result<Vec<Event>, ChatError> {
    let mut events = Vec::new();
    for row in rows {
        let first_seq: i64 = row.get(0).map_err(SqlError::from)?;
        let text: String = row.get(1).map_err(SqlError::from)?;
        let unpacked = unpack(u64::try_from(first_seq).unwrap_or(0), &text).map_err(ChatError::UnreadableEvent)?;
        events.extend(unpacked.into_iter().filter(|event| event.seq > after));
    }
    Ok(events)
}
