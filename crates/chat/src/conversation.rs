//! Conversations: beginning, finding, changing and deleting them.

pub(crate) mod repo;

use fault::FieldFault;
use host::sql::{Transaction, conclude};
use idempotency::{Attempt, Outcome, Stored};
use ids::{ConversationId, Id, Timestamp, UserId, WorkspaceId};

use crate::{
    Chat, agent,
    deletion::{self, CLAIM, Tombstone},
    error::ChatError,
    viewer::Viewer,
};

/// A conversation, without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id; later conversations have later ids.
    pub id: ConversationId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Who began it.
    pub owner: UserId,
    /// What it is called, if it has a name.
    pub title: Option<String>,
    /// The agent that answers.
    pub agent: String,
    /// How many messages it has.
    pub message_count: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was changed, or a message was added, for the last time.
    pub updated_at: Timestamp,
    /// Changes whenever anything above does.
    pub version: i64,
}

impl Conversation {
    /// What the same request began under the id `first`, as it was then: all the rest is said by the request, and the time by the id.
    fn begun_under(self, first: &str) -> Result<Self, ChatError> {
        let id: ConversationId = first.parse().map_err(|_| ChatError::UnreadableOutcome)?;
        Ok(Self { id, created_at: id.made_at(), updated_at: id.made_at(), ..self })
    }
}

/// A title: 1 to 200 characters, no line breaks or other control characters, no white space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    const MAX_CHARS: usize = 200;

    /// The title in `text`, white space around it left out.
    pub fn parse(text: &str) -> Result<Self, FieldFault> {
        let text = text.trim();
        let wrong = match text {
            "" => "A title is not empty; leave it out or set it to null for a conversation without one.",
            _ if text.chars().count() > Self::MAX_CHARS => "A title has at most 200 characters.",
            _ if text.chars().any(char::is_control) => "A title has no line breaks or other control characters.",
            _ => return Ok(Self(text.to_owned())),
        };
        Err(FieldFault::new("/title", wrong))
    }

    /// The title.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A conversation that is to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub title: Option<Title>,
    /// The agent that is to answer; the default one unless said.
    pub agent: Option<String>,
}

/// What is to change; `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Another title, or none.
    pub title: Option<Option<Title>>,
    /// Another agent.
    pub agent: Option<String>,
}

impl Chat {
    /// Begins a conversation, owned by `viewer`, and returns it as it was begun; if `attempt` is not the first under its key, the
    /// first has begun it.
    pub async fn begin(
        &self,
        viewer: &Viewer,
        draft: Draft,
        attempt: Option<&Attempt>,
    ) -> Result<Outcome<Conversation>, ChatError> {
        let agent = draft.agent.unwrap_or_else(|| agent::DEFAULT.to_owned());
        if !agent::exists(&agent) {
            return Err(ChatError::UnknownAgent);
        }
        self.sweep_later();
        let id: ConversationId = self.host.new_id();
        let begun = Conversation {
            id,
            workspace: viewer.workspace,
            owner: viewer.user,
            title: draft.title.map(|Title(title)| title),
            agent,
            message_count: 0,
            created_at: id.made_at(),
            updated_at: id.made_at(),
            version: 1,
        };
        let (sql, insert) = (&*self.host.sql, repo::insert(&begun));
        let Some(attempt) = attempt else {
            sql.execute(insert).await?;
            return Ok(Outcome { value: begun, is_replay: false });
        };
        let stored = attempt.store(sql, viewer.into(), &id.to_string(), vec![insert], self.host.now()).await?;
        match stored {
            Stored::Before(first) => Ok(Outcome { value: begun.begun_under(&first)?, is_replay: true }),
            Stored::Now | Stored::NothingMatched => Ok(Outcome { value: begun, is_replay: false }),
        }
    }

    /// At most `rows` of the viewer's own conversations, newest first, from the one before `before` on.
    pub async fn conversations(
        &self,
        viewer: &Viewer,
        before: Option<ConversationId>,
        rows: i64,
    ) -> Result<Vec<Conversation>, ChatError> {
        self.sweep_later();
        Ok(repo::list(&*self.host.sql, viewer, before, rows).await?)
    }

    /// The conversation `id`.
    pub async fn conversation(&self, viewer: &Viewer, id: ConversationId) -> Result<Conversation, ChatError> {
        repo::find(&*self.host.sql, viewer, id).await?.ok_or(ChatError::ConversationNotFound)
    }

    /// Changes the conversation `id` if `condition` holds for it as it is.
    pub async fn change<E: From<ChatError>>(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        change: Change,
        condition: impl FnOnce(&Conversation) -> Result<(), E>,
    ) -> Result<Conversation, E> {
        let mut transaction = self.host.sql.begin().await.map_err(ChatError::from)?;
        let work = async {
            let mut conversation = self.locked(&mut *transaction, viewer, id).await?;
            condition(&conversation)?;
            if change != Change::default() {
                apply(&mut conversation, change, self.host.now())?;
                repo::update(&mut *transaction, &conversation).await.map_err(ChatError::from)?;
            }
            Ok(conversation)
        };
        let outcome = work.await;
        conclude(transaction, outcome).await.map_err(ChatError::from)?
    }

    /// Deletes the conversation `id`, if `condition` holds for it as it is: nobody sees it any more. Its messages are deleted after
    /// that, the newest first, so that an answer that is being written ends without a trace.
    pub async fn delete<E: From<ChatError>>(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        condition: impl FnOnce(&Conversation) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut transaction = self.host.sql.begin().await.map_err(ChatError::from)?;
        let work = async {
            let conversation = self.locked(&mut *transaction, viewer, id).await?;
            condition(&conversation)?;
            let buried = deletion::repo::bury(&mut *transaction, &conversation, self.host.now(), CLAIM).await;
            buried.map_err(ChatError::from)?;
            Ok(conversation)
        };
        let outcome: Result<_, E> = work.await;
        let Conversation { id, workspace, .. } = conclude(transaction, outcome).await.map_err(ChatError::from)??;
        self.erase_later(Tombstone { conversation: id, workspace });
        Ok(())
    }

    async fn locked(
        &self,
        transaction: &mut dyn Transaction,
        viewer: &Viewer,
        id: ConversationId,
    ) -> Result<Conversation, ChatError> {
        repo::lock(transaction, viewer, id).await?.ok_or(ChatError::ConversationNotFound)
    }
}

fn apply(conversation: &mut Conversation, change: Change, now: Timestamp) -> Result<(), ChatError> {
    if let Some(title) = change.title {
        conversation.title = title.map(|Title(title)| title);
    }
    if let Some(agent) = change.agent {
        if !agent::exists(&agent) {
            return Err(ChatError::UnknownAgent);
        }
        conversation.agent = agent;
    }
    conversation.updated_at = now;
    conversation.version += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_text() {
        for (text, title) in [
            ("Trip to Kraków 🌍", Some("Trip to Kraków 🌍")),
            ("  spaced \n", Some("spaced")),
            (&"é".repeat(200), Some(&*"é".repeat(200))),
            (&"é".repeat(201), None),
            ("", None),
            (" \t\n", None),
            ("two\nlines", None),
            ("a\u{0}b", None),
            ("a\u{7f}b", None),
        ] {
            assert_eq!(Title::parse(text).ok().as_ref().map(Title::as_str), title, "{text:?}");
        }
    }
}
