//! The table `message_events`.

use std::collections::HashSet;

use host::sql::{Row, Sql, SqlError, Statement, Transaction};
use ids::{Id, MessageId, WorkspaceId};

use super::{Event, pack, unpack};
use crate::{
    error::ChatError,
    message::{
        Status,
        repo::{IS_ABANDONED, by_id},
    },
};

/// The most events that a row holds.
pub(crate) const MAX_EVENTS_PER_ROW: usize = 64;

/// The most rows that are read at once.
const ROWS_PER_READ: i64 = 50;

/// What stores `events`, numbered without gaps, if the answer `id` is still `in_progress`: a row for each
/// [`MAX_EVENTS_PER_ROW`].
///
/// The answer's row is held until the end of the transaction (or statement), so that an answer cannot end between the look at
/// its status and the event.
pub(crate) fn append(workspace: WorkspaceId, id: MessageId, events: &[Event]) -> impl Iterator<Item = Statement> {
    append_if("", workspace, id, events)
}

/// As [`append`], if nobody has asked for the end of the answer either.
pub(crate) fn append_wanted(
    workspace: WorkspaceId,
    id: MessageId,
    events: &[Event],
) -> impl Iterator<Item = Statement> {
    append_if(IS_WANTED, workspace, id, events)
}

/// The rows of one answer, if it is being written and `condition` holds.
fn append_if(
    condition: &str,
    workspace: WorkspaceId,
    id: MessageId,
    events: &[Event],
) -> impl Iterator<Item = Statement> {
    let statement = format!("{INSERT} {SELECT}{condition} FOR UPDATE");
    events.chunks(MAX_EVENTS_PER_ROW).map(move |row| bind_row(Statement::new(statement.clone()), workspace, id, row))
}

const INSERT: &str = "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at)";

const SELECT: &str = "SELECT m.id, m.workspace_id, ? AS first_seq, ? AS events, m.created_at FROM messages m \
                      WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress'";

const IS_WANTED: &str = " AND m.cancel_requested_at IS NULL";

fn bind_row(statement: Statement, workspace: WorkspaceId, id: MessageId, events: &[Event]) -> Statement {
    let first_seq = events.first().map_or(0, |event| event.seq);
    statement.bind(first_seq).bind(pack(events)).bind_all(by_id(workspace, id))
}

/// Events of an answer that go into one row: at most [`MAX_EVENTS_PER_ROW`], numbered without gaps.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) workspace: WorkspaceId,
    pub(crate) answer: MessageId,
    pub(crate) events: Vec<Event>,
}

/// Stores the events of several answers in one statement, of each that is being written and whose end nobody has asked for, and
/// says of which it did.
pub(crate) async fn append_each(sql: &dyn Sql, portions: &[Portion]) -> Result<HashSet<MessageId>, SqlError> {
    // Each answer has a SELECT of its own, whose partition is known; in a derived table, which both databases take with a lock in
    // it. Those without an answer make a power of two, so that connections keep few statements of different lengths.
    let selects = portions.len().next_power_of_two();
    let all: Vec<String> =
        (0..selects).map(|it| format!("SELECT * FROM ({SELECT}{IS_WANTED} FOR UPDATE) a{it}")).collect();
    let mut statement = Statement::new(format!("{INSERT} {} RETURNING message_id", all.join(" UNION ALL ")));
    for Portion { workspace, answer, events } in portions {
        statement = bind_row(statement, *workspace, *answer, events);
    }
    for _ in portions.len()..selects {
        statement = statement.bind(0).bind("").bind("").bind(0).bind("");
    }
    sql.query(statement).await?.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// How an answer stands, and what is stored of it.
pub(crate) struct Progress {
    /// Whether it is complete.
    pub(crate) status: Status,
    /// True where nobody writes it any more although it has not come to an end.
    pub(crate) is_abandoned: bool,
    /// The first of its events that were asked for; where there are none, no more are stored at the moment.
    pub(crate) events: Vec<Event>,
}

/// How the answer `id` stands, and its events with numbers above `after`, in order; perhaps not all of them, and none only if
/// there is none. None where there is no such answer.
pub(crate) async fn progress(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: MessageId,
    after: u64,
) -> Result<Option<Progress>, ChatError> {
    // One statement: where it says that the answer has ended, all events of the answer are stored.
    let statement = format!(
        "SELECT m.status, {IS_ABANDONED}, e.first_seq, e.events FROM messages m LEFT JOIN message_events e \
         ON e.message_id = m.id AND e.created_at = ? AND e.workspace_id = m.workspace_id AND e.first_seq > ? \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? ORDER BY e.first_seq LIMIT ?"
    );
    let statement = Statement::new(statement)
        .bind(id.made_at())
        .bind(first_row_after(after))
        .bind_all(by_id(workspace, id))
        .bind(ROWS_PER_READ);
    let rows = sql.query(statement).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let status = first.get(0).map_err(SqlError::from)?;
    let is_abandoned = first.get(1).map_err(SqlError::from)?;
    let has_events = first.get::<Option<i64>>(2).map_err(SqlError::from)?.is_some();
    let events = if has_events { unpack_rows(&rows, 2, after)? } else { Vec::new() };
    Ok(Some(Progress { status, is_abandoned, events }))
}

/// Events of the answer `id` with numbers above `after`, in order; perhaps not all of them, and none only if there is none.
pub(crate) async fn after(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: MessageId,
    after: u64,
) -> Result<Vec<Event>, ChatError> {
    unpack_rows(&sql.query(after_statement(workspace, id, after)).await?, 0, after)
}

/// The number of the last event that is stored of the answer `id`, if there is one.
pub(crate) async fn last_seq(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<Option<u64>, ChatError> {
    let statement = Statement::new(
        "SELECT first_seq, events FROM message_events \
         WHERE message_id = ? AND created_at = ? AND workspace_id = ? ORDER BY first_seq DESC LIMIT 1",
    );
    let rows = sql.query(statement.bind_all(by_id(workspace, id))).await?;
    Ok(unpack_rows(&rows, 0, 0)?.last().map(|event| event.seq))
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
        let more = unpack_rows(&transaction.query(after_statement(workspace, id, last)).await?, 0, last)?;
        if more.is_empty() {
            return Ok(events);
        }
        events.extend(more);
    }
}

fn after_statement(workspace: WorkspaceId, id: MessageId, after: u64) -> Statement {
    Statement::new(
        "SELECT first_seq, events FROM message_events \
         WHERE message_id = ? AND created_at = ? AND workspace_id = ? AND first_seq > ? ORDER BY first_seq LIMIT ?",
    )
    .bind_all(by_id(workspace, id))
    .bind(first_row_after(after))
    .bind(ROWS_PER_READ)
}

/// The number that the first row of the events after `after` is above: the event after `after` may be in a row that begins
/// before it.
fn first_row_after(after: u64) -> i64 {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    after.saturating_sub(i64::try_from(MAX_EVENTS_PER_ROW).unwrap_or(0))
}

/// The events with numbers above `after` in the columns from `first` on.
fn unpack_rows(rows: &[Row], first: usize, after: u64) -> Result<Vec<Event>, ChatError> {
    let mut events = Vec::new();
    for row in rows {
        let first_seq: i64 = row.get(first).map_err(SqlError::from)?;
        let text: String = row.get(first + 1).map_err(SqlError::from)?;
        let unpacked = unpack(u64::try_from(first_seq).unwrap_or(0), &text).map_err(ChatError::UnreadableEvent)?;
        events.extend(unpacked.into_iter().filter(|event| event.seq > after));
    }
    Ok(events)
}
