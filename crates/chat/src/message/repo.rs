//! The table `messages`, and the positions that `conversations` counts for it.

use std::time::Duration;

use host::{
    params,
    sql::{Dialect, Row, Sql, SqlError, Statement, Transaction, Value},
};
use ids::{ConversationId, Id, MessageId, Timestamp, WorkspaceId};

use super::{Author, Message, Status, Usage};
use crate::{
    conversation::repo::{VISIBLE, for_update},
    history::{Exchange, Past, Recent},
    viewer::Viewer,
};

const COLUMNS: &str = "m.id, m.conversation_id, m.position, m.role, m.status, m.content, m.model, m.input_tokens, \
                       m.output_tokens, m.error_code, m.created_at, m.updated_at, m.lease_until";

/// How long a message and its answer are together.
const EXCHANGE_BYTES: &str = "OCTET_LENGTH(q.content) + OCTET_LENGTH(a.content)";

/// Counts a message and its answer in their conversation.
const COUNT_PAIR: &str = "UPDATE conversations SET last_position = last_position + 2, updated_at = ? \
                          WHERE id = ? AND workspace_id = ?";

/// The clocks of two instances differ by less than this. Messages are looked for in the partitions from a day before
/// their conversation was begun up to tomorrow.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// The statement of [`recent`].
pub(crate) fn recent_statement() -> String {
    // A message and its answer are one row with nothing in it that is not needed: every row and every value has its price on
    // the way through Spin. One value for all would be cheaper there, but MariaDB builds lists of texts on disk.
    let short = format!("{EXCHANGE_BYTES} <= ?");
    format!(
        "SELECT c.agent, c.last_position, q.position, a.status, CASE WHEN {short} THEN q.content END, \
         CASE WHEN {short} THEN a.content END FROM conversations c \
         LEFT JOIN messages q ON q.conversation_id = c.id AND q.position > c.last_position - ? \
         AND q.created_at BETWEEN ? AND ? AND q.role = 'user' \
         LEFT JOIN messages a ON a.conversation_id = c.id AND a.position = q.position + 1 \
         AND a.created_at BETWEEN ? AND ? WHERE c.id = ? AND c.{VISIBLE}"
    )
}

/// A conversation as a model has to know it, with the exchanges among its newest `messages`; `None` where the viewer may not know of it. What is
/// said in an exchange is read if that is at most `whole_bytes` together.
pub(crate) async fn recent(
    sql: &dyn Sql,
    viewer: &Viewer,
    id: ConversationId,
    messages: i64,
    whole_bytes: usize,
    now: Timestamp,
) -> Result<Option<Past>, SqlError> {
    let mut params = params![bytes(whole_bytes), bytes(whole_bytes), messages];
    params.extend(period(id, now));
    params.extend(period(id, now));
    params.push(id.to_string().into());
    params.extend(viewer.params());
    let rows = sql.query(&recent_statement(), params).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (agent, last_position) = (first.get(0)?, first.get(1)?);
    let mut newest = Vec::with_capacity(rows.len());
    for row in &rows {
        // A conversation without messages is one row of nothing, and retention may have left a question without its answer.
        let (Some(position), Some(_)) = (row.get::<Option<i64>>(2)?, row.get::<Option<String>>(3)?) else { continue };
        newest.push(Recent { position, status: row.parse(3)?, exchange: exchange(row, 4)? });
    }
    // There are few, and MariaDB sorts on disk what has texts in it.
    newest.sort_unstable_by_key(|recent| std::cmp::Reverse(recent.position));
    Ok(Some(Past { agent, last_position, newest }))
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
    let mut params = period(id, now).to_vec();
    params.extend(params![id.to_string(), position]);
    params.extend(period(id, now));
    params.extend(params![workspace.to_string(), bytes(most_bytes)]);
    let rows = sql.query(&statement, params).await?;
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

fn bytes(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
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
pub(crate) fn list_statement() -> String {
    // What is known of all of them is not read: each value of a row has its price on the way through Spin.
    format!(
        "SELECT m.id, m.position, m.role, m.status, OCTET_LENGTH(m.content), \
         CASE WHEN OCTET_LENGTH(m.content) <= ? THEN m.content END, m.model, m.input_tokens, m.output_tokens, m.error_code, \
         m.updated_at, m.lease_until FROM conversations c JOIN messages m ON m.conversation_id = c.id \
         WHERE m.position > ? AND m.created_at BETWEEN ? AND ? AND c.id = ? AND c.{VISIBLE} ORDER BY m.position LIMIT ?"
    )
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
    let mut params = params![bytes(span.whole_bytes), span.after];
    params.extend(period(id, now));
    params.push(id.to_string().into());
    params.extend(viewer.params());
    params.push(span.rows.into());
    // One statement for both: the conversation is a constant to the optimizer, and the messages a range of the index that is read
    // in its order. With a LEFT JOIN, which would also tell of a conversation without messages, MariaDB sorts them.
    let rows = sql.query(&list_statement(), params).await?;
    rows.iter().map(|row| listed(row, id)).collect()
}

fn listed(row: &Row, conversation: ConversationId) -> Result<Listed, SqlError> {
    let (id, content): (MessageId, Option<String>) = (row.parse(0)?, row.get(5)?);
    let message = Message {
        id,
        conversation,
        position: row.get(1)?,
        author: row.parse::<Author>(2)?,
        status: row.parse::<Status>(3)?,
        model: row.get(6)?,
        usage: usage(row, 7)?,
        failure: row.get(9)?,
        created_at: id.made_at(),
        updated_at: row.get(10)?,
        lease_until: row.get(11)?,
        content: String::new(),
    };
    let is_long = content.is_none();
    let message = Message { content: content.unwrap_or_default(), ..message };
    Ok(Listed { message, bytes: usize::try_from(row.get::<i64>(4)?).unwrap_or(usize::MAX), is_long })
}

/// What the message `id` says; nothing where it is gone.
pub(crate) async fn content(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<Option<String>, SqlError> {
    let statement = "SELECT content FROM messages WHERE id = ? AND created_at = ? AND workspace_id = ?";
    let rows = sql.query(statement, by_id(workspace, id).into()).await?;
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
        "SELECT {COLUMNS} FROM messages m WHERE m.conversation_id = ? AND m.position = ? AND m.created_at BETWEEN ? AND ? \
         AND m.workspace_id = ?"
    );
    let mut params = params![id.to_string(), position];
    params.extend(period(id, now));
    params.push(workspace.to_string().into());
    let rows = sql.query(&statement, params).await?;
    rows.first().map(|row| read(row, 0)).transpose()
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
        "SELECT {COLUMNS} FROM conversations c \
         LEFT JOIN messages m ON m.conversation_id = c.id AND m.id = ? AND m.created_at = ? \
         WHERE c.id = ? AND c.{VISIBLE}"
    );
    let mut params = vec![id.to_string().into(), id.made_at().into(), conversation.to_string().into()];
    params.extend(viewer.params());
    let rows = sql.query(&statement, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get::<Option<String>>(0)?.is_none() {
        return Ok(Some(None));
    }
    read(row, 0).map(Some).map(Some)
}

/// What stores `pair`, a message and its answer, at the positions that they name, if those are the next two of their
/// conversation; where they are not, the first statement matches no row.
pub(crate) fn pair(workspace: WorkspaceId, pair: [&Message; 2]) -> [Statement; 2] {
    let [question, _] = pair;
    let conversation = question.conversation.to_string();
    let before = question.position - 1;
    let params = params![question.created_at, conversation, workspace.to_string(), before];
    [Statement::new(format!("{COUNT_PAIR} AND last_position = ?"), params), insert_pair(workspace, pair)]
}

/// Stores `pair`, a message and its answer, at the next two positions of their conversation, which are written into it.
/// False where there is no such conversation any more; the transaction then has to be undone.
pub(crate) async fn append_pair(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    workspace: WorkspaceId,
    pair: [&mut Message; 2],
) -> Result<bool, SqlError> {
    let [question, answer] = pair;
    let conversation = params![question.conversation.to_string(), workspace.to_string()];
    // This takes the row, so that pairs stand side by side; whoever comes second waits here.
    let params = [question.created_at.into()].into_iter().chain(conversation.clone()).collect();
    let rows = match dialect {
        Dialect::Sqlite => transaction.query(&format!("{COUNT_PAIR} RETURNING last_position"), params).await?,
        // It has no UPDATE … RETURNING.
        Dialect::MariaDb => {
            transaction.execute(COUNT_PAIR, params).await?;
            let position = "SELECT last_position FROM conversations WHERE id = ? AND workspace_id = ?";
            transaction.query(position, conversation).await?
        }
    };
    let Some(row) = rows.first() else { return Ok(false) };
    let last: i64 = row.get(0)?;
    (question.position, answer.position) = (last - 1, last);
    transaction.execute_all(vec![insert_pair(workspace, [question, answer])]).await?;
    Ok(true)
}

/// Rows of values and not of a SELECT: so MariaDB opens the one partition that they go into, at half the price.
fn insert_pair(workspace: WorkspaceId, pair: [&Message; 2]) -> Statement {
    let statement = "INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, model, \
                     input_tokens, output_tokens, error_code, lease_until, created_at, updated_at) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    Statement::new(statement, pair.into_iter().flat_map(|message| columns(workspace, message)).collect())
}

fn columns(workspace: WorkspaceId, message: &Message) -> [Value; 14] {
    [
        message.id.to_string().into(),
        message.conversation.to_string().into(),
        workspace.to_string().into(),
        message.position.into(),
        message.author.as_str().into(),
        message.status.as_str().into(),
        message.content.clone().into(),
        message.model.clone().into(),
        message.usage.map(|usage| usage.input_tokens).into(),
        message.usage.map(|usage| usage.output_tokens).into(),
        message.failure.clone().into(),
        message.lease_until.into(),
        message.created_at.into(),
        message.updated_at.into(),
    ]
}

/// The answer `id` if it is `in_progress`; nobody else can end it or add to it before the end of the transaction.
pub(crate) async fn lock_unfinished(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    workspace: WorkspaceId,
    id: MessageId,
) -> Result<Option<Message>, SqlError> {
    let lock = for_update(dialect);
    let statement = format!(
        "SELECT {COLUMNS} FROM messages m \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress'{lock}"
    );
    let rows = transaction.query(&statement, by_id(workspace, id).into()).await?;
    rows.first().map(|row| read(row, 0)).transpose()
}

/// What writes what changes at the end of an answer, if that has not come yet.
pub(crate) fn write_end(workspace: WorkspaceId, message: &Message) -> Statement {
    let statement = "UPDATE messages SET status = ?, content = ?, input_tokens = ?, output_tokens = ?, error_code = ?, \
                     lease_until = NULL, updated_at = ? \
                     WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'";
    let mut params = params![
        message.status.as_str(),
        message.content.clone(),
        message.usage.map(|usage| usage.input_tokens),
        message.usage.map(|usage| usage.output_tokens),
        message.failure.clone(),
        message.updated_at,
    ];
    params.extend(by_id(workspace, message.id));
    Statement::new(statement, params)
}

/// Says that the answer `id` is being written until `lease_until` at least. False where it has come to an end.
pub(crate) async fn renew_lease(
    sql: &dyn Sql,
    workspace: WorkspaceId,
    id: MessageId,
    lease_until: Timestamp,
) -> Result<bool, SqlError> {
    let statement = "UPDATE messages SET lease_until = ? \
                     WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'";
    let params = [lease_until.into()].into_iter().chain(by_id(workspace, id)).collect();
    Ok(sql.affected(statement, params).await? == 1)
}

/// True where the answer `id` has not come to an end.
pub(crate) async fn is_unfinished(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<bool, SqlError> {
    let statement = "SELECT 1 FROM messages \
                     WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'";
    Ok(!sql.query(statement, by_id(workspace, id).into()).await?.is_empty())
}

fn by_id(workspace: WorkspaceId, id: MessageId) -> [Value; 3] {
    [id.to_string().into(), id.made_at().into(), workspace.to_string().into()]
}

/// The message in the columns from `first` on.
fn read(row: &Row, first: usize) -> Result<Message, SqlError> {
    Ok(Message {
        id: row.parse(first)?,
        conversation: row.parse(first + 1)?,
        position: row.get(first + 2)?,
        author: row.parse::<Author>(first + 3)?,
        status: row.parse::<Status>(first + 4)?,
        content: row.get(first + 5)?,
        model: row.get(first + 6)?,
        usage: usage(row, first + 7)?,
        failure: row.get(first + 9)?,
        created_at: row.get(first + 10)?,
        updated_at: row.get(first + 11)?,
        lease_until: row.get(first + 12)?,
    })
}

/// What an answer took, in two columns from `first` on.
fn usage(row: &Row, first: usize) -> Result<Option<Usage>, SqlError> {
    Ok(match (row.get(first)?, row.get(first + 1)?) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage { input_tokens, output_tokens }),
        _ => None,
    })
}
