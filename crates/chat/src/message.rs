//! Messages and the states of an answer.

pub(crate) mod repo;

use std::borrow::Cow;

use fault::{Fault as _, FieldFault, faults};
use ids::{ConversationId, CorrelationId, MessageId, Timestamp};
use llm::ModelError;

use crate::finish::FinishReason;

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
    /// What it took; where it is still being written, an estimate of what the model had to read.
    pub usage: Option<Usage>,
    /// Why the model stopped, where that is known.
    pub finish_reason: Option<FinishReason>,
    /// Why the answer failed: the code of a [`Failure`].
    pub failure: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was changed for the last time.
    pub updated_at: Timestamp,
    /// True where nobody writes this answer any more although it has not come to an end, by the database's clock.
    pub(crate) is_abandoned: bool,
    /// What its events are told from.
    pub(crate) trail: Trail,
}

/// A message and its answer, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What the person said.
    pub question: Message,
    /// What the agent answered.
    pub answer: Message,
}

/// What is known of an answer for the sake of its events alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail {
    /// The highest number that an event can have been shown under while the answer is in progress.
    pub(crate) reserved_seq: u64,
    /// The number of the last event of an answer that has ended.
    pub(crate) last_seq: Option<u64>,
    /// How long the provider wants us to wait, where the answer failed for that, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// The request that ended the answer.
    pub(crate) correlation_id: Option<CorrelationId>,
}

impl Message {
    /// This answer as it was when it was begun.
    pub(crate) fn begun(&self) -> Self {
        Self {
            status: Status::InProgress,
            content: String::new(),
            usage: None,
            finish_reason: None,
            failure: None,
            updated_at: self.created_at,
            ..self.clone()
        }
    }

    /// This answer as it will be once its end is stored, which was not possible yet.
    pub(crate) fn as_interrupted(&self) -> Self {
        let trail = Trail { last_seq: Some(self.trail.reserved_seq + 1), ..self.trail.clone() };
        Self {
            status: Status::Failed,
            failure: Some(Failure::Interrupted.code().to_owned()),
            is_abandoned: false,
            trail,
            ..self.clone()
        }
    }

    /// Why the answer failed, as far as it is stored.
    pub(crate) fn why_failed(&self) -> Option<Failure> {
        self.failure.as_deref().map(|code| Failure::from_code(code, self.trail.retry_after_ms))
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Author {
    /// A person, or the program in their place.
    User,
    /// The agent.
    Assistant,
}

/// Whether a message is complete. An answer begins `InProgress` and changes once, to one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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

/// What an answer took, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that the model read.
    pub input_tokens: i64,
    /// Tokens that the model wrote.
    pub output_tokens: i64,
    /// True where this is our estimate: the provider's count never came, or never will.
    pub is_estimated: bool,
}

impl Usage {
    /// An estimate for an answer of which nothing is written yet.
    pub(crate) fn estimated(input_tokens: u64) -> Self {
        Self { input_tokens: count(input_tokens), output_tokens: 0, is_estimated: true }
    }

    /// The same with another number of tokens written.
    pub(crate) fn with_output(self, output_tokens: u64) -> Self {
        Self { output_tokens: count(output_tokens), ..self }
    }
}

impl From<llm::wire::Usage> for Usage {
    fn from(usage: llm::wire::Usage) -> Self {
        Self {
            input_tokens: count(usage.prompt_tokens),
            output_tokens: count(usage.completion_tokens),
            is_estimated: false,
        }
    }
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
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
    pub(crate) fn from_code(code: &str, retry_after_ms: Option<u64>) -> Self {
        match code {
            "answer_interrupted" => Self::Interrupted,
            code => Self::Model(ModelError::from_code(code, retry_after_ms)),
        }
    }
}

faults! { Failure {
    Self::Interrupted => Unavailable "answer_interrupted",
    Self::Model(error) => error,
} }

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

#[cfg(test)]
mod tests;
