//! The table `deleted_conversations`, and the deletion of what deleted conversations said.

use std::{collections::HashMap, time::Duration};

use host::sql::{Row, Sql, SqlError, Statement, Transaction, Value};
use ids::{Id, MessageId, Timestamp, WorkspaceId};

use super::Tombstone;
use crate::{conversation::Conversation, message};

/// Moves a conversation here and claims it. The caller holds its row.
pub(crate) async fn bury(
    transaction: &mut dyn Transaction,
    conversation: &Conversation,
    now: Timestamp,
    claim: Duration,
) -> Result<(), SqlError> {
    let (id, workspace) = (conversation.id, conversation.workspace);
    let bury = Statement::new(
        "INSERT INTO deleted_conversations (id, workspace_id, deleted_at, claimed_until) VALUES (?, ?, ?, NOW_MS() + ?)",
    );
    let delete = Statement::new("DELETE FROM conversations WHERE id = ? AND workspace_id = ?");
    transaction.execute(bury.bind(id).bind(workspace).bind(now).bind(claim)).await?;
    transaction.execute(delete.bind(id).bind(workspace)).await
}

/// A conversation that nobody is at work on, of any workspace: this is upkeep, and nobody is told of it.
pub(crate) async fn unclaimed(sql: &dyn Sql) -> Result<Option<Tombstone>, SqlError> {
    // No workspace: it is what the row tells.
    let statement = Statement::new(
        "SELECT id, workspace_id FROM deleted_conversations WHERE claimed_until < NOW_MS() ORDER BY claimed_until LIMIT 1",
    );
    let rows = sql.query(statement).await?;
    let tombstone = |row: &Row| Ok(Tombstone { conversation: row.get(0)?, workspace: row.get(1)? });
    rows.first().map(tombstone).transpose()
}

/// Claims a conversation; false where somebody else has, or where nothing is left of it.
pub(crate) async fn claim(sql: &dyn Sql, tombstone: Tombstone, claim: Duration) -> Result<bool, SqlError> {
    Ok(sql.affected(prolong(tombstone, claim).push(" AND claimed_until < NOW_MS()")).await? == 1)
}

/// Lets others go on with a conversation.
pub(crate) async fn release(sql: &dyn Sql, tombstone: Tombstone) -> Result<(), SqlError> {
    let statement =
        Statement::new("UPDATE deleted_conversations SET claimed_until = 0 WHERE id = ? AND workspace_id = ?");
    sql.execute(statement.bind_all(names(tombstone))).await
}

/// Nothing is left of a conversation.
pub(crate) async fn forget(sql: &dyn Sql, tombstone: Tombstone) -> Result<(), SqlError> {
    let statement = Statement::new("DELETE FROM deleted_conversations WHERE id = ? AND workspace_id = ?");
    sql.execute(statement.bind_all(names(tombstone))).await
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
    let statement = Statement::new(
        "SELECT id, position FROM messages WHERE conversation_id = ? AND workspace_id = ? \
         AND created_at BETWEEN ? AND ? ORDER BY position DESC LIMIT ?",
    )
    .bind_all(names(tombstone))
    .bind_all(message::repo::period(tombstone.conversation, now))
    .bind(rows);
    let found = sql.query(statement).await?;
    let mut doomed = Vec::with_capacity(found.len());
    for row in &found {
        doomed.push(Doomed { id: row.get(0)?, position: row.get(1)?, event_rows: 0 });
    }
    if doomed.is_empty() {
        return Ok(doomed);
    }
    // No workspace: it is in the condition.
    let statement = of_events("SELECT message_id, COUNT(*) FROM message_events", tombstone.workspace, &doomed);
    let mut counts: HashMap<MessageId, usize> = HashMap::new();
    for row in sql.query(statement.push(" GROUP BY message_id")).await? {
        counts.insert(row.get(0)?, usize::try_from(row.get::<i64>(1)?).unwrap_or(usize::MAX));
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
    tombstone: Tombstone,
    doomed: &[Doomed],
    claim: Duration,
) -> Result<bool, SqlError> {
    if transaction.affected(prolong(tombstone, claim)).await? == 0 {
        return Ok(false);
    }
    let lowest = doomed.iter().map(|message| message.position).min().unwrap_or(i64::MAX);
    let messages = Statement::new(
        "DELETE FROM messages WHERE conversation_id = ? AND workspace_id = ? AND position >= ? \
         AND created_at BETWEEN ? AND ?",
    );
    transaction.execute(messages.bind_all(names(tombstone)).bind(lowest).bind_all(period(doomed))).await?;
    // No workspace: it is in the condition.
    transaction.execute(of_events("DELETE FROM message_events", tombstone.workspace, doomed)).await?;
    Ok(true)
}

/// What claims a conversation from now on.
fn prolong(tombstone: Tombstone, claim: Duration) -> Statement {
    Statement::new("UPDATE deleted_conversations SET claimed_until = NOW_MS() + ? WHERE id = ? AND workspace_id = ?")
        .bind(claim)
        .bind_all(names(tombstone))
}

/// `verb` under the condition on the events of messages, which names their partitions: an event has the time of its message's id.
fn of_events(verb: &str, workspace: WorkspaceId, doomed: &[Doomed]) -> Statement {
    let marks = vec!["?"; doomed.len()].join(", ");
    Statement::new(format!("{verb} WHERE message_id IN ({marks}) AND created_at BETWEEN ? AND ? AND workspace_id = ?"))
        .bind_all(doomed.iter().map(|message| message.id))
        .bind_all(period(doomed))
        .bind(workspace)
}

/// When messages were made, at the earliest and at the latest.
fn period(doomed: &[Doomed]) -> [Value; 2] {
    let times = || doomed.iter().map(|message| message.id.made_at());
    [times().min(), times().max()].map(Value::from)
}

fn names(tombstone: Tombstone) -> [Value; 2] {
    [tombstone.conversation.into(), tombstone.workspace.into()]
}
