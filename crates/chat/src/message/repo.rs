//! The table `messages`, and the positions that `conversations` counts for it.

use std::time::Duration;

use host::{
    sql::{Row, Sql, SqlError, Statement, Value},
    text_values,
};
use ids::{ConversationId, CorrelationId, Id, MessageId, Timestamp, WorkspaceId};

use super::{Author, Message, Status, Trail, Usage};
use crate::{
    conversation::repo::VISIBLE,
    finish::FinishReason,
    history::{Exchange, Last, Past, Recent},
    viewer::Viewer,
};

text_values!(Author, Status, FinishReason);

/// What [`read`] reads of the row `m`, and [`IS_ABANDONED`] behind that.
pub(crate) const COLUMNS: &str = "m.id, m.conversation_id, m.position, m.role, m.status, m.content, m.model, m.input_tokens, \
     m.output_tokens, m.is_usage_estimated, m.finish_reason, m.error_code, m.created_at, m.updated_at, \
     m.reserved_seq, m.last_seq, m.retry_after_ms, m.correlation_id";

/// An expression that says of the row `m` of an answer whether its lease is over, by the database's clock.
pub(crate) const IS_ABANDONED: &str = "(m.status = 'in_progress' AND COALESCE(m.lease_until, 0) < NOW_MS())";

/// How long a message and its answer are together.
const EXCHANGE_BYTES: &str = "OCTET_LENGTH(q.content) + OCTET_LENGTH(a.content)";

/// The clocks of two instances differ by less than this. Messages are looked for in the partitions from a day before
/// their conversation was begun up to tomorrow.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// The statement of [`recent`].
pub(crate) fn recent_statement(
    viewer: &Viewer,
    id: ConversationId,
    messages: i64,
    whole_bytes: usize,
    now: Timestamp,
) -> Statement {
    // A message and its answer are one row with nothing in it that is not needed: every row and every value has its price on
    // the way through Spin. One value for all would be cheaper there, but MariaDB builds lists of texts on disk.
    // A text is a column and no expression, whose type on MariaDB (LONG_BLOB) Spin's driver does not know; so what is too long to
    // be read is left out by a join.
    let short = format!("{EXCHANGE_BYTES} <= ?");
    let statement = format!(
        "SELECT c.agent, c.last_position, q.position, a.status, asked.content, answered.content, \
         CASE WHEN a.position = c.last_position THEN a.id END, \
         CASE WHEN a.status = 'in_progress' THEN COALESCE(a.lease_until, 0) < NOW_MS() ELSE 0 END FROM conversations c \
         LEFT JOIN messages q ON q.conversation_id = c.id AND q.position > c.last_position - ? \
         AND q.created_at BETWEEN ? AND ? AND q.role = 'user' \
         LEFT JOIN messages a ON a.conversation_id = c.id AND a.position = q.position + 1 \
         AND a.created_at BETWEEN ? AND ? \
         LEFT JOIN messages asked ON asked.id = q.id AND asked.created_at = q.created_at AND {short} \
         LEFT JOIN messages answered ON answered.id = a.id AND answered.created_at = a.created_at AND {short} \
         WHERE c.id = ? AND c.{VISIBLE}"
    );
    Statement::new(statement)
        .bind(messages)
        .bind_all(period(id, now))
        .bind_all(period(id, now))
        .bind_all([whole_bytes, whole_bytes])
        .bind(id)
        .bind_all(viewer.params())
}

/// A conversation as a model has to know it, with the exchanges among its newest `messages`; `None` where the viewer may not
/// know of it. What is said in an exchange is read if that is at most `whole_bytes` together.
pub(crate) async fn recent(
    sql: &dyn Sql,
    viewer: &Viewer,
    id: ConversationId,
    messages: i64,
    whole_bytes: usize,
    now: Timestamp,
) -> Result<Option<Past>, SqlError> {
    let rows = sql.query(recent_statement(viewer, id, messages, whole_bytes, now)).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (agent, last_position) = (first.get(0)?, first.get(1)?);
    let mut newest = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        // A conversation without messages is one row of nothing, and retention may have left a question without its answer.
        let (Some(position), Some(_)) = (row.get::<Option<i64>>(2)?, row.get::<Option<String>>(3)?) else { continue };
        let status: Status = row.get(3)?;
        newest.push(Recent { position, status, exchange: exchange(row, 4)? });
        if row.get::<Option<String>>(6)?.is_some() {
            last = Some(Last { id: row.get(6)?, status, is_abandoned: row.get(7)? });
        }
    }
    // There are few, and MariaDB sorts on disk what has texts in it.
    newest.sort_unstable_by_key(|recent| std::cmp::Reverse(recent.position));
    Ok(Some(Past { agent, last_position, last, newest }))
}

/// What is said in the message at `position` and the answer to it, if that is at most `most_bytes` together.
pub(crate) async fn exchange_at(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: ConversationId,
    position: i64,
    most_bytes: usize,
    now: Timestamp,
) -> Result<Option<Exchange>, SqlError> {
    let statement = format!(
        "SELECT q.content, a.content FROM messages q JOIN messages a \
         ON a.conversation_id = q.conversation_id AND a.position = q.position + 1 AND a.created_at BETWEEN ? AND ? \
         WHERE q.conversation_id = ? AND q.position = ? AND q.created_at BETWEEN ? AND ? AND q.workspace_id = ? \
         AND {EXCHANGE_BYTES} <= ?"
    );
    let statement = Statement::new(statement)
        .bind_all(period(id, now))
        .bind(id)
        .bind(position)
        .bind_all(period(id, now))
        .bind(workspace)
        .bind(most_bytes);
    let rows = sql.query(statement).await?;
    rows.first().map_or(Ok(None), |row| exchange(row, 0))
}

/// The exchange in two columns from `first` on, if it is there.
fn exchange(row: &Row, first: usize) -> Result<Option<Exchange>, SqlError> {
    let texts = (row.get::<Option<String>>(first)?, row.get::<Option<String>>(first + 1)?);
    Ok(match texts {
        (Some(question), Some(answer)) => Some(Exchange { question, answer }),
        _ => None,
    })
}

/// Which messages of a conversation are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The position that all of them are after.
    pub(crate) after: i64,
    /// How many there are at most.
    pub(crate) rows: i64,
    /// What a message says is read if it is at most so many bytes.
    pub(crate) whole_bytes: usize,
}

/// A message as a list of them has it.
pub(crate) struct Listed {
    /// The message; without its content if that is longer than the list reads at once.
    pub(crate) message: Message,
    /// How long its content is.
    pub(crate) bytes: usize,
    /// True where the content has yet to be read.
    pub(crate) is_long: bool,
}

/// The statement of [`list`].
pub(crate) fn list_statement(viewer: &Viewer, id: ConversationId, span: Span, now: Timestamp) -> Statement {
    // What is known of all of them is not read: each value of a row has its price on the way through Spin.
    let statement = format!(
        "SELECT m.id, m.position, m.role, m.status, OCTET_LENGTH(m.content), \
         short.content, m.model, m.input_tokens, m.output_tokens, m.is_usage_estimated, m.finish_reason, m.error_code, \
         m.updated_at, {IS_ABANDONED} FROM conversations c JOIN messages m ON m.conversation_id = c.id \
         LEFT JOIN messages short ON short.id = m.id AND short.created_at = m.created_at AND OCTET_LENGTH(m.content) <= ? \
         WHERE m.position > ? AND m.created_at BETWEEN ? AND ? AND c.id = ? AND c.{VISIBLE} ORDER BY m.position LIMIT ?"
    );
    Statement::new(statement)
        .bind(span.whole_bytes)
        .bind(span.after)
        .bind_all(period(id, now))
        .bind(id)
        .bind_all(viewer.params())
        .bind(span.rows)
}

/// Messages of a conversation in the order of their positions, which may have gaps; none also where the viewer may not
/// know of it.
pub(crate) async fn list(
    sql: &dyn Sql,
    viewer: &Viewer,
    id: ConversationId,
    span: Span,
    now: Timestamp,
) -> Result<Vec<Listed>, SqlError> {
    // One statement for both: the conversation is a constant to the optimizer, and the messages a range of the index that is read
    // in its order. With a LEFT JOIN, which would also tell of a conversation without messages, MariaDB sorts them.
    let rows = sql.query(list_statement(viewer, id, span, now)).await?;
    rows.iter().map(|row| listed(row, id)).collect()
}

fn listed(row: &Row, conversation: ConversationId) -> Result<Listed, SqlError> {
    let (id, content): (MessageId, Option<String>) = (row.get(0)?, row.get(5)?);
    let message = Message {
        id,
        conversation,
        position: row.get(1)?,
        author: row.get(2)?,
        status: row.get(3)?,
        model: row.get(6)?,
        usage: usage(row, 7)?,
        finish_reason: finish_reason(row, 10)?,
        failure: row.get(11)?,
        created_at: id.made_at(),
        updated_at: row.get(12)?,
        is_abandoned: row.get(13)?,
        content: String::new(),
        trail: Trail::default(),
    };
    let is_long = content.is_none();
    let message = Message { content: content.unwrap_or_default(), ..message };
    Ok(Listed { message, bytes: usize::try_from(row.get::<i64>(4)?).unwrap_or(usize::MAX), is_long })
}

/// What the message `id` says; nothing where it is gone.
pub(crate) async fn content(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<Option<String>, SqlError> {
    let statement = Statement::new("SELECT content FROM messages WHERE id = ? AND created_at = ? AND workspace_id = ?");
    let rows = sql.query(statement.bind_all(by_id(workspace, id))).await?;
    Ok(rows.first().map(|row| row.get(0)).transpose()?)
}

/// The message at `position` of a conversation that the viewer is known to know of.
pub(crate) async fn at(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: ConversationId,
    position: i64,
    now: Timestamp,
) -> Result<Option<Message>, SqlError> {
    let statement = format!(
        "SELECT {COLUMNS}, {IS_ABANDONED} FROM messages m WHERE m.conversation_id = ? AND m.position = ? \
         AND m.created_at BETWEEN ? AND ? AND m.workspace_id = ?"
    );
    let statement = Statement::new(statement).bind(id).bind(position).bind_all(period(id, now)).bind(workspace);
    let rows = sql.query(statement).await?;
    rows.first().map(read).transpose()
}

/// When the messages of a conversation were stored, at the earliest and at the latest: so that partitions are left out.
pub(crate) fn period(id: ConversationId, now: Timestamp) -> [Value; 2] {
    let earliest = id.made_at().as_millis() - i64::try_from(CLOCK_SKEW.as_millis()).unwrap_or(0);
    [earliest.into(), (now + CLOCK_SKEW).into()]
}

/// A message; `None` where the viewer may not know of the conversation, `Some(None)` where it has no such message.
pub(crate) async fn find(
    sql: &dyn Sql,
    viewer: &Viewer,
    conversation: ConversationId,
    id: MessageId,
) -> Result<Option<Option<Message>>, SqlError> {
    let statement = format!(
        "SELECT {COLUMNS}, {IS_ABANDONED} FROM conversations c \
         LEFT JOIN messages m ON m.conversation_id = c.id AND m.id = ? AND m.created_at = ? \
         WHERE c.id = ? AND c.{VISIBLE}"
    );
    let statement = Statement::new(statement).bind(id).bind(id.made_at()).bind(conversation).bind_all(viewer.params());
    let rows = sql.query(statement).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get::<Option<String>>(0)?.is_none() {
        return Ok(Some(None));
    }
    read(row).map(Some).map(Some)
}

pub(crate) fn by_id(workspace: WorkspaceId, id: MessageId) -> [Value; 3] {
    [id.into(), id.made_at().into(), workspace.into()]
}

/// The message in [`COLUMNS`] and [`IS_ABANDONED`].
pub(crate) fn read(row: &Row) -> Result<Message, SqlError> {
    let number = |column| row.get::<Option<i64>>(column).map(|it| it.and_then(|it| u64::try_from(it).ok()));
    let trail = Trail {
        reserved_seq: number(14)?.unwrap_or(0),
        last_seq: number(15)?,
        retry_after_ms: number(16)?,
        correlation_id: row.get::<Option<String>>(17)?.as_deref().and_then(CorrelationId::parse),
    };
    Ok(Message {
        id: row.get(0)?,
        conversation: row.get(1)?,
        position: row.get(2)?,
        author: row.get(3)?,
        status: row.get(4)?,
        content: row.get(5)?,
        model: row.get(6)?,
        usage: usage(row, 7)?,
        finish_reason: finish_reason(row, 10)?,
        failure: row.get(11)?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
        is_abandoned: row.get(18)?,
        trail,
    })
}

/// What an answer took, in three columns from `first` on.
fn usage(row: &Row, first: usize) -> Result<Option<Usage>, SqlError> {
    Ok(match (row.get(first)?, row.get(first + 1)?) {
        (Some(input_tokens), Some(output_tokens)) => {
            Some(Usage { input_tokens, output_tokens, is_estimated: row.get(first + 2)? })
        }
        _ => None,
    })
}

fn finish_reason(row: &Row, column: usize) -> Result<Option<FinishReason>, SqlError> {
    let name: Option<String> = row.get(column)?;
    Ok(name.and_then(|name| name.parse().ok()))
}
