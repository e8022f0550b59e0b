//! The table `conversations`.

use host::sql::{Row, Sql, SqlError, Statement, Transaction};
use ids::ConversationId;

use super::Conversation;
use crate::viewer::Viewer;

/// The condition on a conversation that a viewer may know of; its parameters are [`Viewer::params`].
pub(crate) const VISIBLE: &str = "workspace_id = ? AND (owner_id = ? OR ? = 1)";

const COLUMNS: &str = "id, workspace_id, owner_id, title, agent, last_position, created_at, updated_at, version";

pub(crate) fn insert(conversation: &Conversation) -> Statement {
    Statement::new(format!("INSERT INTO conversations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"))
        .bind(conversation.id)
        .bind(conversation.workspace)
        .bind(conversation.owner)
        .bind(conversation.title.clone())
        .bind(conversation.agent.clone())
        .bind(conversation.message_count)
        .bind(conversation.created_at)
        .bind(conversation.updated_at)
        .bind(conversation.version)
}

pub(crate) async fn find(sql: &dyn Sql, viewer: &Viewer, id: ConversationId) -> Result<Option<Conversation>, SqlError> {
    let statement = format!("SELECT {COLUMNS} FROM conversations WHERE id = ? AND {VISIBLE}");
    let rows = sql.query(Statement::new(statement).bind(id).bind_all(viewer.params())).await?;
    rows.first().map(read).transpose()
}

/// As [`find`], and nobody else changes the conversation or adds to it before the end of the transaction.
pub(crate) async fn lock(
    transaction: &mut dyn Transaction,
    viewer: &Viewer,
    id: ConversationId,
) -> Result<Option<Conversation>, SqlError> {
    let statement = format!("SELECT {COLUMNS} FROM conversations WHERE id = ? AND {VISIBLE} FOR UPDATE");
    let rows = transaction.query(Statement::new(statement).bind(id).bind_all(viewer.params())).await?;
    rows.first().map(read).transpose()
}

pub(crate) async fn list(
    sql: &dyn Sql,
    viewer: &Viewer,
    before: Option<ConversationId>,
    rows: i64,
) -> Result<Vec<Conversation>, SqlError> {
    // What is the same in all rows is not read: each value of a row has its price on the way through Spin.
    let mut statement = Statement::new(
        "SELECT id, title, agent, last_position, created_at, updated_at, version FROM conversations \
         WHERE workspace_id = ? AND owner_id = ?",
    )
    .bind(viewer.workspace)
    .bind(viewer.user);
    if let Some(before) = before {
        statement = statement.push(" AND id < ?").bind(before);
    }
    let statement = statement.push(" ORDER BY id DESC LIMIT ?").bind(rows);
    let own = |row: &Row| {
        Ok(Conversation {
            id: row.get(0)?,
            workspace: viewer.workspace,
            owner: viewer.user,
            title: row.get(1)?,
            agent: row.get(2)?,
            message_count: row.get(3)?,
            created_at: row.get(4)?,
            updated_at: row.get(5)?,
            version: row.get(6)?,
        })
    };
    sql.query(statement).await?.iter().map(own).collect()
}

pub(crate) async fn update(transaction: &mut dyn Transaction, conversation: &Conversation) -> Result<(), SqlError> {
    let statement = Statement::new(
        "UPDATE conversations SET title = ?, agent = ?, updated_at = ?, version = ? WHERE id = ? AND workspace_id = ?",
    )
    .bind(conversation.title.clone())
    .bind(conversation.agent.clone())
    .bind(conversation.updated_at)
    .bind(conversation.version)
    .bind(conversation.id)
    .bind(conversation.workspace);
    transaction.execute(statement).await
}

fn read(row: &Row) -> Result<Conversation, SqlError> {
    Ok(Conversation {
        id: row.get(0)?,
        workspace: row.get(1)?,
        owner: row.get(2)?,
        title: row.get(3)?,
        agent: row.get(4)?,
        message_count: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        version: row.get(8)?,
    })
}
