//! Messages and the states of an answer.

pub(crate) mod repo;

use std::{borrow::Cow, str::FromStr};

use fault::{Fault, FieldFault, Kind};
use ids::{ConversationId, MessageId, Timestamp};
use llm::ModelError;

use crate::{
    Chat,
    budget::{Hold, PAGE_BYTES, fitting},
    error::ChatError,
    message::repo::{Listed, Span},
    viewer::Viewer,
};

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Its place in the conversation, from 1. An answer follows its question at once.
    pub position: i64,
    /// Who wrote it.
    pub author: Author,
    /// Whether it is complete.
    pub status: Status,
    /// What it says. An answer `in_progress` is empty here; what there is of it is in its events.
    pub content: String,
    /// The model that wrote it.
    pub model: Option<String>,
    /// What it took.
    pub usage: Option<Usage>,
    /// Why the answer failed: the code of a [`Failure`].
    pub failure: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was changed for the last time.
    pub updated_at: Timestamp,
    /// Until when the instance that writes it is believed to be alive.
    pub(crate) lease_until: Option<Timestamp>,
}

impl Message {
    /// This answer as it was when it was begun.
    pub(crate) fn begun(&self) -> Self {
        Self {
            status: Status::InProgress,
            content: String::new(),
            usage: None,
            failure: None,
            updated_at: self.created_at,
            ..self.clone()
        }
    }

    /// True where nobody writes this answer any more although it has not come to an end.
    pub(crate) fn is_abandoned(&self, now: Timestamp) -> bool {
        self.status == Status::InProgress && self.lease_until.is_none_or(|until| until < now)
    }
}

/// Messages of a conversation in their order.
#[derive(Debug)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// True where there are more after these.
    pub has_more: bool,
    /// To be kept for as long as the messages are, in whatever form.
    pub hold: Hold,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person, or the program in their place.
    User,
    /// The agent.
    Assistant,
}

impl Author {
    /// The name in rows and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Whether a message is complete. An answer begins `InProgress` and changes once, to one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is being written.
    InProgress,
    /// It has come to its end.
    Completed,
    /// Somebody stopped it; what had been written is kept.
    Cancelled,
    /// It broke off; what had been written is kept.
    Failed,
}

impl Status {
    /// The name in rows and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// A name that no author, status or event has.
#[derive(Debug, thiserror::Error)]
#[error("no such name")]
pub struct UnknownName;

impl FromStr for Author {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::User, Self::Assistant].into_iter().find(|author| author.as_str() == name).ok_or(UnknownName)
    }
}

impl FromStr for Status {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let all = [Self::InProgress, Self::Completed, Self::Cancelled, Self::Failed];
        all.into_iter().find(|status| status.as_str() == name).ok_or(UnknownName)
    }
}

/// What an answer took, in tokens, as its provider counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that the model read.
    pub input_tokens: i64,
    /// Tokens that the model wrote.
    pub output_tokens: i64,
}

impl From<llm::wire::Usage> for Usage {
    fn from(usage: llm::wire::Usage) -> Self {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        Self { input_tokens: count(usage.prompt_tokens), output_tokens: count(usage.completion_tokens) }
    }
}

/// Why an answer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The instance that wrote it is gone.
    #[error("the answer was interrupted")]
    Interrupted,
    /// The model's answer broke off, or never began.
    #[error(transparent)]
    Model(ModelError),
}

impl Failure {
    /// The failure whose code is stored with an answer.
    pub fn from_code(code: &str) -> Self {
        match code {
            "answer_interrupted" => Self::Interrupted,
            code => Self::Model(ModelError::from_code(code, None)),
        }
    }
}

impl Fault for Failure {
    fn kind(&self) -> Kind {
        match self {
            Self::Interrupted => Kind::Unavailable,
            Self::Model(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Interrupted => "answer_interrupted",
            Self::Model(error) => error.code(),
        }
    }

    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Interrupted => None,
            Self::Model(error) => error.retry_after_ms(),
        }
    }
}

/// What a person says: something, and at most 100,000 characters of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    const MAX_CHARS: usize = 100_000;

    /// The content that `text` is, unchanged.
    pub fn parse(text: String) -> Result<Self, FieldFault> {
        let wrong = if text.trim().is_empty() {
            "A message says something."
        } else if text.chars().count() > Self::MAX_CHARS {
            "A message has at most 100,000 characters."
        } else {
            return Ok(Self(text));
        };
        Err(FieldFault::new("/content", Cow::Borrowed(wrong)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Chat {
    /// A page of a conversation: its messages after position `after`, at most `rows` of them, and so many that they say at most
    /// 512 KiB together; but one at least, if there is one.
    pub async fn messages(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        after: i64,
        rows: i64,
    ) -> Result<MessagePage, ChatError> {
        let asked = rows.max(1).saturating_add(1);
        let whole_bytes = PAGE_BYTES / usize::try_from(asked).unwrap_or(usize::MAX);
        let span = Span { after, rows: asked, whole_bytes };
        let mut listed = self.list(viewer, conversation, span).await?;
        if self.give_up_abandoned(viewer, &listed).await? {
            // They are longer now.
            listed = self.list(viewer, conversation, span).await?;
        }
        let count = fitting(listed.iter().map(|listed| listed.bytes), PAGE_BYTES).min(listed.len());
        let count = count.min(usize::try_from(rows.max(1)).unwrap_or(usize::MAX));
        let has_more = listed.len() > count;
        listed.truncate(count);
        let held: usize = listed.iter().map(|listed| listed.bytes).sum();
        let hold = self.long_messages.admit(held.saturating_sub(PAGE_BYTES), &*self.host.clock).await?;
        let mut messages = Vec::with_capacity(count);
        for Listed { mut message, is_long, .. } in listed {
            if is_long {
                let content = repo::content(&*self.host.sql, viewer.workspace, message.id).await?;
                // It was deleted meanwhile.
                let Some(content) = content else { continue };
                message.content = content;
            }
            messages.push(message);
        }
        Ok(MessagePage { messages, has_more, hold })
    }

    async fn list(&self, viewer: &Viewer, conversation: ConversationId, span: Span) -> Result<Vec<Listed>, ChatError> {
        let listed = repo::list(&*self.host.sql, viewer, conversation, span, self.host.now()).await?;
        if listed.is_empty() {
            self.conversation(viewer, conversation).await?;
        }
        Ok(listed)
    }

    /// Ends those answers among `listed` that nobody writes any more; false where there is none.
    async fn give_up_abandoned(&self, viewer: &Viewer, listed: &[Listed]) -> Result<bool, ChatError> {
        let now = self.host.now();
        let mut any = false;
        for Listed { message, .. } in listed.iter().filter(|listed| listed.message.is_abandoned(now)) {
            self.give_up(viewer, message).await?;
            any = true;
        }
        Ok(any)
    }

    /// One message of a conversation that `viewer` may know of, its lease checked.
    pub(crate) async fn message(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        id: MessageId,
    ) -> Result<Message, ChatError> {
        let found = repo::find(&*self.host.sql, viewer, conversation, id).await?;
        let message = found.ok_or(ChatError::ConversationNotFound)?.ok_or(ChatError::MessageNotFound)?;
        if message.is_abandoned(self.host.now()) { self.give_up(viewer, &message).await } else { Ok(message) }
    }
}

#[cfg(test)]
mod tests;
