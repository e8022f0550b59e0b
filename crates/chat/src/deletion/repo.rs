//! The table `deleted_conversations`, and the deletion of what deleted conversations said.

use std::{collections::HashMap, time::Duration};

use host::{
    params,
    sql::{Dialect, Sql, SqlError, Transaction, Value},
};
use ids::{ConversationId, Id, MessageId, Timestamp, WorkspaceId};

use super::Tombstone;
use crate::{conversation::Conversation, message};

/// Moves a conversation here and claims it. The caller holds its row.
pub(crate) async fn bury(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    conversation: &Conversation,
    now: Timestamp,
    claim: Duration,
) -> Result<(), SqlError> {
    let names = params![conversation.id.to_string(), conversation.workspace.to_string()];
    let insert = format!(
        "INSERT INTO deleted_conversations (id, workspace_id, deleted_at, claimed_until) VALUES (?, ?, ?, {})",
        until(dialect)
    );
    let values = [names.clone(), params![now, millis(claim)]].concat();
    transaction.execute(&insert, values).await?;
    transaction.execute("DELETE FROM conversations WHERE id = ? AND workspace_id = ?", names).await
}

/// A conversation that nobody is at work on, of any workspace: this is upkeep, and nobody is told of it.
pub(crate) async fn unclaimed(sql: &dyn Sql) -> Result<Option<Tombstone>, SqlError> {
    // No workspace: it is what the row tells.
    let statement = format!(
        "SELECT id, workspace_id FROM deleted_conversations WHERE claimed_until < {} ORDER BY claimed_until LIMIT 1",
        sql.dialect().now_ms()
    );
    let rows = sql.query(&statement, Vec::new()).await?;
    let tombstone = |row: &host::sql::Row| Ok(Tombstone { conversation: row.parse(0)?, workspace: row.parse(1)? });
    rows.first().map(tombstone).transpose()
}

/// Claims a conversation; false where somebody else has, or where nothing is left of it.
pub(crate) async fn claim(sql: &dyn Sql, tombstone: Tombstone, claim: Duration) -> Result<bool, SqlError> {
    let dialect = sql.dialect();
    let statement = format!(
        "UPDATE deleted_conversations SET claimed_until = {} WHERE id = ? AND workspace_id = ? AND claimed_until < {}",
        until(dialect),
        dialect.now_ms()
    );
    Ok(sql.affected(&statement, [params![millis(claim)], names(tombstone)].concat()).await? == 1)
}

/// Lets others go on with a conversation.
pub(crate) async fn release(sql: &dyn Sql, tombstone: Tombstone) -> Result<(), SqlError> {
    let statement = "UPDATE deleted_conversations SET claimed_until = 0 WHERE id = ? AND workspace_id = ?";
    sql.execute(statement, names(tombstone)).await
}

/// Nothing is left of a conversation.
pub(crate) async fn forget(sql: &dyn Sql, tombstone: Tombstone) -> Result<(), SqlError> {
    sql.execute("DELETE FROM deleted_conversations WHERE id = ? AND workspace_id = ?", names(tombstone)).await
}

/// A message that is to be deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doomed {
    pub(crate) id: MessageId,
    position: i64,
    /// How many rows of events it has.
    pub(crate) event_rows: usize,
}

/// The newest messages of a deleted conversation, at most `rows`, newest first: an answer that is being written is among them, and
/// its writer finds out at once that nobody wants it.
pub(crate) async fn newest(
    sql: &dyn Sql,
    tombstone: Tombstone,
    rows: i64,
    now: Timestamp,
) -> Result<Vec<Doomed>, SqlError> {
    let statement = "SELECT id, position FROM messages WHERE conversation_id = ? AND workspace_id = ? \
                     AND created_at BETWEEN ? AND ? ORDER BY position DESC LIMIT ?";
    let period = message::repo::period(tombstone.conversation, now).to_vec();
    let values = [names(tombstone), period, params![rows]].concat();
    let found = sql.query(statement, values).await?;
    let mut doomed = Vec::with_capacity(found.len());
    for row in &found {
        doomed.push(Doomed { id: row.parse(0)?, position: row.get(1)?, event_rows: 0 });
    }
    if doomed.is_empty() {
        return Ok(doomed);
    }
    let (condition, values) = events_of(tombstone.workspace, &doomed);
    // No workspace: it is in the condition.
    let statement = format!("SELECT message_id, COUNT(*) FROM message_events WHERE {condition} GROUP BY message_id");
    let mut counts: HashMap<MessageId, usize> = HashMap::new();
    for row in sql.query(&statement, values).await? {
        counts.insert(row.parse(0)?, usize::try_from(row.get::<i64>(1)?).unwrap_or(usize::MAX));
    }
    for message in &mut doomed {
        message.event_rows = counts.get(&message.id).copied().unwrap_or(0);
    }
    Ok(doomed)
}

/// Deletes messages and their events, and renews the claim. False where nobody has to, any more.
///
/// Messages before events: whoever writes an answer takes them in this order too, so that neither waits for the other, and nobody
/// adds an event to a message that is gone.
pub(crate) async fn delete(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    tombstone: Tombstone,
    doomed: &[Doomed],
    claim: Duration,
) -> Result<bool, SqlError> {
    let renew = format!(
        "UPDATE deleted_conversations SET claimed_until = {} WHERE id = ? AND workspace_id = ?",
        until(dialect)
    );
    if transaction.affected(&renew, [params![millis(claim)], names(tombstone)].concat()).await? == 0 {
        return Ok(false);
    }
    let lowest = doomed.iter().map(|message| message.position).min().unwrap_or(i64::MAX);
    let messages = "DELETE FROM messages WHERE conversation_id = ? AND workspace_id = ? AND position >= ? \
                    AND created_at BETWEEN ? AND ?";
    let values = [names(tombstone), params![lowest], period(doomed).to_vec()].concat();
    transaction.execute(messages, values).await?;
    let (condition, values) = events_of(tombstone.workspace, doomed);
    // No workspace: it is in the condition.
    transaction.execute(&format!("DELETE FROM message_events WHERE {condition}"), values).await?;
    Ok(true)
}

/// The condition on the events of messages, which names their partitions: an event has the time of its message's id.
fn events_of(workspace: WorkspaceId, doomed: &[Doomed]) -> (String, Vec<Value>) {
    let marks = vec!["?"; doomed.len()].join(", ");
    let mut values: Vec<Value> = doomed.iter().map(|message| message.id.to_string().into()).collect();
    values.extend(period(doomed));
    values.push(workspace.to_string().into());
    (format!("message_id IN ({marks}) AND created_at BETWEEN ? AND ? AND workspace_id = ?"), values)
}

/// When messages were made, at the earliest and at the latest.
fn period(doomed: &[Doomed]) -> [Value; 2] {
    let times = || doomed.iter().map(|message| message.id.made_at());
    [times().min(), times().max()].map(Value::from)
}

/// An expression for so many milliseconds from now.
fn until(dialect: Dialect) -> String {
    format!("{} + ?", dialect.now_ms())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn names(tombstone: Tombstone) -> Vec<Value> {
    let Tombstone { conversation, workspace } = tombstone;
    params![ConversationId::to_string(&conversation), workspace.to_string()]
}
