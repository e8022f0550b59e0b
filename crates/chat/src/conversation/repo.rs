//! The table `conversations`.

use host::sql::{Dialect, Row, Sql, SqlError, Statement, Transaction, Value};
use ids::ConversationId;

use super::Conversation;
use crate::viewer::Viewer;

/// The condition on a conversation that a viewer may know of; its parameters are [`Viewer::params`].
pub(crate) const VISIBLE: &str = "workspace_id = ? AND (owner_id = ? OR ? = 1)";

const COLUMNS: &str = "id, workspace_id, owner_id, title, agent, last_position, created_at, updated_at, version";

pub(crate) fn insert(conversation: &Conversation) -> Statement {
    let statement = format!("INSERT INTO conversations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let params = vec![
        conversation.id.to_string().into(),
        conversation.workspace.to_string().into(),
        conversation.owner.to_string().into(),
        conversation.title.clone().into(),
        conversation.agent.clone().into(),
        conversation.message_count.into(),
        conversation.created_at.into(),
        conversation.updated_at.into(),
        conversation.version.into(),
    ];
    Statement::new(statement, params)
}

pub(crate) async fn find(sql: &dyn Sql, viewer: &Viewer, id: ConversationId) -> Result<Option<Conversation>, SqlError> {
    let statement = format!("SELECT {COLUMNS} FROM conversations WHERE id = ? AND {VISIBLE}");
    let rows = sql.query(&statement, by_id(viewer, id)).await?;
    rows.first().map(read).transpose()
}

/// As [`find`], and nobody else changes the conversation or adds to it before the end of the transaction.
pub(crate) async fn lock(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    viewer: &Viewer,
    id: ConversationId,
) -> Result<Option<Conversation>, SqlError> {
    let lock = dialect.for_update();
    let statement = format!("SELECT {COLUMNS} FROM conversations WHERE id = ? AND {VISIBLE}{lock}");
    let rows = transaction.query(&statement, by_id(viewer, id)).await?;
    rows.first().map(read).transpose()
}

pub(crate) async fn list(
    sql: &dyn Sql,
    viewer: &Viewer,
    before: Option<ConversationId>,
    rows: i64,
) -> Result<Vec<Conversation>, SqlError> {
    let mut params = vec![viewer.workspace.to_string().into(), viewer.user.to_string().into()];
    let mut beginning = "";
    if let Some(before) = before {
        beginning = " AND id < ?";
        params.push(before.to_string().into());
    }
    params.push(rows.into());
    // What is the same in all rows is not read: each value of a row has its price on the way through Spin.
    let statement = format!(
        "SELECT id, title, agent, last_position, created_at, updated_at, version FROM conversations \
         WHERE workspace_id = ? AND owner_id = ?{beginning} ORDER BY id DESC LIMIT ?"
    );
    let own = |row: &Row| {
        Ok(Conversation {
            id: row.parse(0)?,
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
    sql.query(&statement, params).await?.iter().map(own).collect()
}

pub(crate) async fn update(transaction: &mut dyn Transaction, conversation: &Conversation) -> Result<(), SqlError> {
    let statement = "UPDATE conversations SET title = ?, agent = ?, updated_at = ?, version = ? \
                     WHERE id = ? AND workspace_id = ?";
    let params = vec![
        conversation.title.clone().into(),
        conversation.agent.clone().into(),
        conversation.updated_at.into(),
        conversation.version.into(),
        conversation.id.to_string().into(),
        conversation.workspace.to_string().into(),
    ];
    transaction.execute(statement, params).await
}

fn by_id(viewer: &Viewer, id: ConversationId) -> Vec<Value> {
    [id.to_string().into()].into_iter().chain(viewer.params()).collect()
}

fn read(row: &Row) -> Result<Conversation, SqlError> {
    Ok(Conversation {
        id: row.parse(0)?,
        workspace: row.parse(1)?,
        owner: row.parse(2)?,
        title: row.get(3)?,
        agent: row.get(4)?,
        message_count: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        version: row.get(8)?,
    })
}
