//! What a model gets to know of a conversation: its newest exchanges, as many as fit into so many bytes.

use ids::{ConversationId, MessageId};

use crate::{
    Chat,
    budget::HISTORY_BYTES,
    error::ChatError,
    message::{Status, repo},
    viewer::Viewer,
};

/// How many messages of the past are looked at.
const MAX_MESSAGES: i64 = 50;

/// Exchanges up to this size, in bytes, are read at once, and are at most [`HISTORY_BYTES`] together; each longer one is read by
/// itself, if there is room for it.
const WHOLE_BYTES: usize = HISTORY_BYTES / 25;

/// A message and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) question: String,
    pub(crate) answer: String,
}

impl Exchange {
    fn bytes(&self) -> usize {
        self.question.len() + self.answer.len()
    }
}

/// An exchange as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    /// The position of the question.
    pub(crate) position: i64,
    /// Whether the answer is complete.
    pub(crate) status: Status,
    /// What was said; none where that is too long to be read with the others.
    pub(crate) exchange: Option<Exchange>,
}

/// A conversation as a prompt needs it.
#[derive(Debug)]
pub(crate) struct Past {
    /// The name of the agent that answers.
    pub(crate) agent: String,
    /// The position of the newest message; 0 where there never was one.
    pub(crate) last_position: i64,
    /// Its newest message, an answer, if that is still there.
    pub(crate) last: Option<Last>,
    /// Its exchanges, newest first.
    pub(crate) newest: Vec<Recent>,
}

/// The newest message of a conversation: an answer, as messages come in pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) id: MessageId,
    pub(crate) status: Status,
    /// As [`Message::is_abandoned`](crate::message::Message::is_abandoned).
    pub(crate) is_abandoned: bool,
}

impl Recent {
    /// False for an exchange whose answer failed or is still being written: the model would see a question that it seems to
    /// have ignored.
    fn counts(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Cancelled)
    }
}

impl Chat {
    /// The conversation with its newest exchanges, as far as they are short.
    pub(crate) async fn past(&self, viewer: &Viewer, conversation: ConversationId) -> Result<Past, ChatError> {
        let (sql, now) = (&*self.host.sql, self.host.now());
        let found = repo::recent(sql, viewer, conversation, MAX_MESSAGES, WHOLE_BYTES, now).await?;
        found.ok_or(ChatError::ConversationNotFound)
    }

    /// The newest exchanges that were answered and say at most `most_bytes` together, oldest first: all up to the first that
    /// does not fit.
    pub(crate) async fn history(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        newest: Vec<Recent>,
        most_bytes: usize,
    ) -> Result<Vec<Exchange>, ChatError> {
        let mut left = most_bytes.min(HISTORY_BYTES);
        let mut kept = Vec::with_capacity(newest.len());
        for recent in newest.into_iter().filter(Recent::counts) {
            let exchange = match recent.exchange {
                Some(exchange) => Some(exchange).filter(|exchange| exchange.bytes() <= left),
                None => {
                    let (sql, now) = (&*self.host.sql, self.host.now());
                    repo::exchange_at(sql, viewer.workspace, conversation, recent.position, left, now).await?
                }
            };
            let Some(exchange) = exchange else { break };
            // A question whose answer is empty seems to have been ignored, too.
            if !exchange.answer.is_empty() {
                left -= exchange.bytes();
                kept.push(exchange);
            }
        }
        kept.reverse();
        Ok(kept)
    }
}
