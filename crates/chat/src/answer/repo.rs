//! What is written into the table `messages` while an answer is being written, and what is asked of it meanwhile.

use std::collections::HashSet;

use host::sql::{Sql, SqlError, Statement, Transaction, Value};
use ids::{CorrelationId, MessageId, WorkspaceId};

use super::LEASE;
use crate::message::{
    Message, Status,
    repo::{COLUMNS, IS_ABANDONED, by_id, read},
};

/// What stores `pair`, a message and its answer that is being written from now on, at the positions that they name, if those are
/// the next two of their conversation; where they are not, the first statement matches no row.
pub(crate) fn pair(workspace: WorkspaceId, pair: [&Message; 2]) -> [Statement; 2] {
    let [question, _] = pair;
    let count = Statement::new(
        "UPDATE conversations SET last_position = last_position + 2, updated_at = ? \
         WHERE id = ? AND workspace_id = ? AND last_position = ?",
    )
    .bind(question.created_at)
    .bind(question.conversation)
    .bind(workspace)
    .bind(question.position - 1);
    [count, insert_pair(workspace, pair)]
}

/// Rows of values and not of a SELECT: so MariaDB opens the one partition that they go into, at half the price.
fn insert_pair(workspace: WorkspaceId, pair: [&Message; 2]) -> Statement {
    Statement::new(
        "INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, model, input_tokens, \
         output_tokens, is_usage_estimated, reserved_seq, created_at, updated_at, lease_until) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NOW_MS() + ?)",
    )
    .bind_all(pair.into_iter().flat_map(|message| values(workspace, message)))
    .bind(LEASE)
}

fn values(workspace: WorkspaceId, message: &Message) -> [Value; 14] {
    [
        message.id.into(),
        message.conversation.into(),
        workspace.into(),
        message.position.into(),
        message.author.into(),
        message.status.into(),
        message.content.clone().into(),
        message.model.clone().into(),
        message.usage.map(|usage| usage.input_tokens).into(),
        message.usage.map(|usage| usage.output_tokens).into(),
        message.usage.is_some_and(|usage| usage.is_estimated).into(),
        message.trail.reserved_seq.into(),
        message.created_at.into(),
        message.updated_at.into(),
    ]
}

/// The answer `id` if it is `in_progress`; nobody else can end it or add to it before the end of the transaction.
pub(crate) async fn lock_unfinished(
    transaction: &mut dyn Transaction,
    workspace: WorkspaceId,
    id: MessageId,
) -> Result<Option<Message>, SqlError> {
    let statement = format!(
        "SELECT {COLUMNS}, {IS_ABANDONED} FROM messages m \
         WHERE m.id = ? AND m.created_at = ? AND m.workspace_id = ? AND m.status = 'in_progress' FOR UPDATE"
    );
    let rows = transaction.query(Statement::new(statement).bind_all(by_id(workspace, id))).await?;
    rows.first().map(read).transpose()
}

/// What writes what changes at the end of an answer, if that has not come yet.
pub(crate) fn write_end(workspace: WorkspaceId, message: &Message) -> Statement {
    Statement::new(
        "UPDATE messages SET status = ?, content = ?, input_tokens = ?, output_tokens = ?, is_usage_estimated = ?, \
         finish_reason = ?, error_code = ?, retry_after_ms = ?, correlation_id = ?, last_seq = ?, \
         lease_until = NULL, updated_at = ? \
         WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'",
    )
    .bind(message.status)
    .bind(message.content.clone())
    .bind(message.usage.map(|usage| usage.input_tokens))
    .bind(message.usage.map(|usage| usage.output_tokens))
    .bind(message.usage.is_some_and(|usage| usage.is_estimated))
    .bind(message.finish_reason)
    .bind(message.failure.clone())
    .bind(message.trail.retry_after_ms)
    .bind(message.trail.correlation_id.as_ref().map(CorrelationId::as_str))
    .bind(message.trail.last_seq)
    .bind(message.updated_at)
    .bind_all(by_id(workspace, message.id))
}

/// What says that the answer `id` is being written for another lease at least, and shown up to the number `reserved_seq`; it
/// matches no row where the answer has come to an end, or is to.
pub(crate) fn renew(workspace: WorkspaceId, id: MessageId, reserved_seq: u64) -> Statement {
    Statement::new(
        "UPDATE messages SET lease_until = NOW_MS() + ?, reserved_seq = ? WHERE id = ? AND created_at = ? \
         AND workspace_id = ? AND status = 'in_progress' AND cancel_requested_at IS NULL",
    )
    .bind(LEASE)
    .bind(reserved_seq)
    .bind_all(by_id(workspace, id))
}

/// Asks whoever writes the answer `id` to end it. False where it has come to an end.
pub(crate) async fn request_cancel(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<bool, SqlError> {
    let statement = Statement::new(
        "UPDATE messages SET cancel_requested_at = NOW_MS() \
         WHERE id = ? AND created_at = ? AND workspace_id = ? AND status = 'in_progress'",
    );
    sql.all_or_none(vec![statement.bind_all(by_id(workspace, id))]).await
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
    let statement = Statement::new(statement).bind_all(padded.flat_map(|(workspace, id)| by_id(*workspace, *id)));
    sql.query(statement).await?.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// How the answer `id` stands; none where it is gone.
pub(crate) async fn status(sql: &dyn Sql, workspace: WorkspaceId, id: MessageId) -> Result<Option<Status>, SqlError> {
    let statement = Statement::new("SELECT status FROM messages WHERE id = ? AND created_at = ? AND workspace_id = ?");
    let rows = sql.query(statement.bind_all(by_id(workspace, id))).await?;
    Ok(rows.first().map(|row| row.get(0)).transpose()?)
}
