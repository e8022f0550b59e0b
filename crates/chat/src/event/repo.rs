//! The table `message_events`.

use host::{
    params,
    sql::{Dialect, Sql, SqlError, Statement, Transaction, Value},
};
use ids::{Id, MessageId, WorkspaceId};

use super::{Event, pack, unpack};
use crate::{conversation::repo::for_update, error::ChatError};

/// The most events that a row holds.
pub(crate) const MAX_EVENTS_PER_ROW: usize = 64;

/// The most rows that are read at once.
const ROWS_PER_READ: i64 = 200;

/// What stores `events`, numbered from 1 without gaps, of the answer `id` that the same transaction stores.
pub(crate) fn first(workspace: WorkspaceId, id: MessageId, events: &[Event]) -> impl Iterator<Item = Statement> {
    let statement = "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) \
                     VALUES (?, ?, ?, ?, ?)";
    events.chunks(MAX_EVENTS_PER_ROW).map(move |row| {
        let names = params![id.to_string(), workspace.to_string(), first_seq(row), pack(row), id.made_at()];
        Statement::new(statement, names)
    })
}

/// What stores `events`, at most [`MAX_EVENTS_PER_ROW`] and numbered without gaps, if the answer `id` is still `in_progress`.
///
/// The answer's row is held until the end of the transaction (or statement), so that an answer cannot end between the look at
/// its status and the event.
pub(crate) fn append(dialect: Dialect, workspace: WorkspaceId, id: MessageId, events: &[Event]) -> Statement {
    let lock = for_update(dialect);
    let statement = format!(
        "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) \
         SELECT m.id, m.workspace_id, ?, ?, m.created_at FROM messages m \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress'{lock}"
    );
    let params = params![first_seq(events), pack(events), id.to_string(), id.made_at(), workspace.to_string()];
    Statement::new(statement, params)
}

fn first_seq(events: &[Event]) -> i64 {
    i64::try_from(events.first().map_or(0, |event| event.seq)).unwrap_or(i64::MAX)
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
