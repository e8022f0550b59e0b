//! What can go wrong with conversations.

use fault::{FieldFault, faults};
use host::sql::{SqlError, WorkError};
use idempotency::IdempotencyError;
use ids::MessageId;
use llm::ModelError;

use crate::message::Failure;

/// Why something could not be done with a conversation or a message.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no such conversation, or the viewer may not know of it.
    #[error("there is no such conversation")]
    ConversationNotFound,
    /// The conversation has no such message.
    #[error("the conversation has no such message")]
    MessageNotFound,
    /// There is no agent of that name.
    #[error("there is no agent of that name")]
    UnknownAgent,
    /// A field is not as it has to be.
    #[error("some fields are not as they have to be")]
    Invalid(Vec<FieldFault>),
    /// The message alone is longer than the agent's model can read.
    #[error("the message is too long for the agent's model")]
    TooLongForModel,
    /// The answer has come to its end already, so that it cannot be cancelled.
    #[error("the answer has come to its end already")]
    AnswerEnded,
    /// The newest answer of the conversation is still being written.
    #[error("the conversation's last answer is still being written")]
    AnswerInProgress {
        /// That answer.
        id: MessageId,
    },
    /// The newest message of the conversation is not the one that the client expects.
    #[error("the conversation went on since it was read")]
    LastMessageDiffers {
        /// The newest message, if there is one.
        id: Option<MessageId>,
    },
    /// The event log has no event of the number that the client says it has seen.
    #[error("the answer has no event of that number")]
    UnknownEvent,
    /// What the viewer was told of once is not kept any more: retention has taken it.
    #[error("what is asked for is not kept any more")]
    NoLongerKept,
    /// This instance holds as many streams as it may, or as many long messages, and did not get rid of them in time.
    #[error("this instance holds as much as it may at the moment")]
    Overloaded,
    /// The viewer follows as many answers as one person may.
    #[error("you follow as many answers as one account may at a time")]
    TooManyStreams,
    /// The answer failed.
    #[error(transparent)]
    Failed(Failure),
    /// The model cannot be asked.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A row of the database is not one that we write.
    #[error("a stored event cannot be read")]
    UnreadableEvent(#[source] serde_json::Error),
    /// What is remembered of an idempotency key is not what we write.
    #[error("what an idempotency key stands for cannot be read")]
    UnreadableOutcome,
    /// The request cannot be carried out under its idempotency key.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A setting could not be read.
    #[error(transparent)]
    Settings(#[from] host::VariablesError),
}

impl WorkError for ChatError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

faults! { ChatError {
    Self::ConversationNotFound => NotFound "conversation_not_found",
    Self::MessageNotFound => NotFound "message_not_found",
    Self::UnknownAgent => Invalid "agent_not_found" {
        fields: vec![FieldFault::new("/agent", "There is no agent of this name.")],
    },
    Self::Invalid(fields) => Invalid "invalid_request" { fields: fields.clone() },
    Self::TooLongForModel => Invalid "context_exceeded" {
        fields: vec![FieldFault::new("/content", "This is longer than the agent's model can read.")],
    },
    Self::AnswerEnded => Conflict "answer_ended",
    Self::AnswerInProgress { id } => Conflict "answer_in_progress" { members: vec![("message_id", id.to_string())] },
    Self::LastMessageDiffers { id } => Conflict "last_message_differs" {
        members: id.iter().map(|id| ("last_message_id", id.to_string())).collect(),
    },
    Self::UnknownEvent => Invalid "event_not_found",
    Self::NoLongerKept => Gone "no_longer_kept",
    Self::Overloaded => Unavailable "overloaded" { retry_after_ms: Some(1000) },
    Self::TooManyStreams => Throttled "too_many_streams" { retry_after_ms: Some(5000) },
    Self::Failed(failure) => failure,
    Self::Model(error) => error,
    Self::Sql(error) => error,
    Self::Idempotency(error) => error,
    Self::UnreadableEvent(_) | Self::UnreadableOutcome | Self::Settings(_) => Internal "internal_error",
} }
