//! What is written into the table `messages` while an answer is being written, and what is asked of it meanwhile.

use std::collections::HashSet;

use host::{
    params,
    sql::{Dialect, Sql, SqlError, Statement, Transaction, Value},
};
use ids::{CorrelationId, MessageId, WorkspaceId};

use super::LEASE;
use crate::{
    finish::FinishReason,
    message::{
        Message, Status,
        repo::{by_id, columns, read},
    },
};

const LEASE_MS: u128 = LEASE.as_millis();

/// Counts a message and its answer in their conversation.
const COUNT_PAIR: &str = "UPDATE conversations SET last_position = last_position + 2, updated_at = ? \
                          WHERE id = ? AND workspace_id = ?";

/// What stores `pair`, a message and its answer that is being written from now on, at the positions that they name, if those are
/// the next two of their conversation; where they are not, the first statement matches no row.
pub(crate) fn pair(dialect: Dialect, workspace: WorkspaceId, pair: [&Message; 2]) -> [Statement; 2] {
    let [question, _] = pair;
    let conversation = question.conversation.to_string();
    let before = question.position - 1;
    let params = params![question.created_at, conversation, workspace.to_string(), before];
    [Statement::new(format!("{COUNT_PAIR} AND last_position = ?"), params), insert_pair(dialect, workspace, pair)]
}

/// Rows of values and not of a SELECT: so MariaDB opens the one partition that they go into, at half the price.
fn insert_pair(dialect: Dialect, workspace: WorkspaceId, pair: [&Message; 2]) -> Statement {
    let now = dialect.now_ms();
    let statement = format!(
        "INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, model, input_tokens, \
         output_tokens, is_usage_estimated, reserved_seq, created_at, updated_at, lease_until) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now} + {LEASE_MS})"
    );
    Statement::new(statement, pair.into_iter().flat_map(|message| values(workspace, message)).collect())
}

fn values(workspace: WorkspaceId, message: &Message) -> [Value; 14] {
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
        message.usage.is_some_and(|usage| usage.is_estimated).into(),
        number(message.trail.reserved_seq).into(),
        message.created_at.into(),
        message.updated_at.into(),
    ]
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The answer `id` if it is `in_progress`; nobody else can end it or add to it before the end of the transaction.
pub(crate) async fn lock_unfinished(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    workspace: WorkspaceId,
    id: MessageId,
) -> Result<Option<Message>, SqlError> {
    let lock = dialect.for_update();
    let statement = format!(
        "SELECT {} FROM messages m \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress'{lock}",
        columns(dialect)
    );
    let rows = transaction.query(&statement, by_id(workspace, id).into()).await?;
    rows.first().map(read).transpose()
}

/// What writes what changes at the end of an answer, if that has not come yet.
pub(crate) fn write_end(workspace: WorkspaceId, message: &Message) -> Statement {
    let statement = "UPDATE messages SET status = ?, content = ?, input_tokens = ?, output_tokens = ?, is_usage_estimated = ?, \
                     finish_reason = ?, error_code = ?, retry_after_ms = ?, correlation_id = ?, last_seq = ?, \
                     lease_until = NULL, updated_at = ? \
                     WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'";
    let trail = &message.trail;
    let mut params = params![
        message.status.as_str(),
        message.content.clone(),
        message.usage.map(|usage| usage.input_tokens),
        message.usage.map(|usage| usage.output_tokens),
        message.usage.is_some_and(|usage| usage.is_estimated),
        message.finish_reason.map(FinishReason::as_str),
        message.failure.clone(),
        trail.retry_after_ms.map(number),
        trail.correlation_id.as_ref().map(CorrelationId::as_str),
        trail.last_seq.map(number),
        message.updated_at,
    ];
    params.extend(by_id(workspace, message.id));
    Statement::new(statement, params)
}

/// What says that the answer `id` is being written for another lease at least, and shown up to the number `reserved_seq`; it
/// matches no row where the answer has come to an end, or is to.
pub(crate) fn renew(dialect: Dialect, workspace: WorkspaceId, id: MessageId, reserved_seq: u64) -> Statement {
    let now = dialect.now_ms();
    let statement = format!(
        "UPDATE messages SET lease_until = {now} + {LEASE_MS}, reserved_seq = ? WHERE id = ? AND created_at = ? \
         AND workspace_id = ? AND status = 'in_progress' AND cancel_requested_at IS NULL"
    );
    Statement::new(statement, [number(reserved_seq).into()].into_iter().chain(by_id(workspace, id)).collect())
}

/// Asks whoever writes the answer `id` to end it. False where it has come to an end.
pub(crate) async fn request_cancel(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<bool, SqlError> {
    let statement = format!(
        "UPDATE messages SET cancel_requested_at = {} \
         WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'",
        sql.dialect().now_ms()
    );
    sql.all_or_none(vec![Statement::new(statement, by_id(workspace, id).into())]).await
}

/// Those of the `answers` that are being written and that nobody has asked to end.
pub(crate) async fn wanted(
    sql: &dyn Sql,
    answers: &[(WorkspaceId, MessageId)],
) -> Result<HashSet<MessageId>, SqlError> {
    // The last one stands for as many as make a power of two, so that connections keep few statements of different lengths.
    let padding = answers.len().next_power_of_two() - answers.len();
    let padded = answers.iter().chain(answers.last().into_iter().cycle().take(padding));
    let one = "id = ? AND created_at = ? AND workspace_id = ?";
    let any = vec![one; answers.len() + padding].join(" OR ");
    // No workspace: each of the answers is asked for with its own.
    let statement =
        format!("SELECT id FROM messages WHERE ({any}) AND status = 'in_progress' AND cancel_requested_at IS NULL");
    let params = padded.flat_map(|(workspace, id)| by_id(*workspace, *id)).collect();
    sql.query(&statement, params).await?.iter().map(|row| Ok(row.parse(0)?)).collect()
}

/// How the answer `id` stands; none where it is gone.
pub(crate) async fn status(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<Option<Status>, SqlError> {
    let statement = "SELECT status FROM messages WHERE id = ? AND created_at = ? AND workspace_id = ?";
    let rows = sql.query(statement, by_id(workspace, id).into()).await?;
    Ok(rows.first().map(|row| row.parse(0)).transpose()?)
}
