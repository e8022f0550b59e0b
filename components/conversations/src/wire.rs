//! Conversations and messages as clients see them.

use chat::{
    Attempt, Change, ChatError, Content, Conversation, Draft, EventFormat, Failure, Message, OnBusy, Posted, Question,
    Status, Title,
};
use edge::{Problem, ProblemBody};
use ids::{ConversationId, CorrelationId, MessageId, Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize};

/// The body of `POST /v1/conversations`.
#[derive(Deserialize)]
pub(crate) struct NewConversation {
    title: Option<String>,
    agent: Option<String>,
}

impl NewConversation {
    pub(crate) fn parse(self) -> Result<Draft, ChatError> {
        Ok(Draft { title: self.title.as_deref().map(title).transpose()?, agent: self.agent })
    }
}

/// The body of `PATCH /v1/conversations/{id}`: what is absent stays as it is (RFC 7396).
#[derive(Deserialize)]
pub(crate) struct ConversationPatch {
    #[serde(default, deserialize_with = "given")]
    title: Option<Option<String>>,
    /// A conversation always has an agent, so that null is none (422).
    #[serde(default, deserialize_with = "some")]
    agent: Option<String>,
}

impl ConversationPatch {
    pub(crate) fn parse(self) -> Result<Change, ChatError> {
        let new_title = self.title.map(|text| text.as_deref().map(title).transpose()).transpose()?;
        Ok(Change { title: new_title, agent: self.agent })
    }
}

/// Tells null, `Some(None)`, from absent, which does not get here.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Takes no null for absent, which does not get here.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn title(text: &str) -> Result<Title, ChatError> {
    Title::parse(text).map_err(|field| ChatError::Invalid(vec![field]))
}

/// The body of `POST /v1/conversations/{id}/messages`.
#[derive(Deserialize)]
pub(crate) struct NewMessage {
    content: String,
    /// True for an answer in server-sent events.
    #[serde(default)]
    pub(crate) stream: bool,
    /// What becomes of the message while the answer before it is being written.
    #[serde(default)]
    on_busy: WireOnBusy,
    /// The newest message that the client has seen.
    expected_last_message_id: Option<MessageId>,
}

/// The names of [`OnBusy`].
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireOnBusy {
    #[default]
    Reject,
    Queue,
    Interrupt,
}

impl NewMessage {
    pub(crate) fn parse(self, attempt: Option<Attempt>) -> Result<Question, ChatError> {
        Ok(Question {
            attempt,
            content: Content::parse(self.content).map_err(|field| ChatError::Invalid(vec![field]))?,
            on_busy: match self.on_busy {
                WireOnBusy::Reject => OnBusy::Reject,
                WireOnBusy::Queue => OnBusy::Queue,
                WireOnBusy::Interrupt => OnBusy::Interrupt,
            },
            expected_last_message: self.expected_last_message_id,
        })
    }
}

/// The query of `GET .../events`, for clients that cannot send `Last-Event-ID`.
#[derive(Deserialize)]
pub(crate) struct EventsQuery {
    pub(crate) after: Option<u64>,
}

/// A conversation.
#[derive(Serialize)]
pub(crate) struct WireConversation {
    pub(crate) id: ConversationId,
    title: Option<String>,
    agent: String,
    owner_id: UserId,
    message_count: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Conversation> for WireConversation {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            title: conversation.title,
            agent: conversation.agent,
            owner_id: conversation.owner,
            message_count: conversation.message_count,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        }
    }
}

/// A message.
#[derive(Serialize)]
pub(crate) struct WireMessage {
    id: MessageId,
    conversation_id: ConversationId,
    position: i64,
    role: &'static str,
    status: &'static str,
    content: String,
    model: Option<String>,
    usage: Option<WireUsage>,
    finish_reason: Option<&'static str>,
    error: Option<WireError>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Serialize)]
struct WireUsage {
    input_tokens: i64,
    output_tokens: i64,
    /// True where the provider did not tell.
    estimated: bool,
}

#[derive(Serialize)]
struct WireError {
    code: String,
}

impl From<Message> for WireMessage {
    fn from(message: Message) -> Self {
        // What an answer takes is known at its end.
        let usage = message.usage.filter(|_| message.status != Status::InProgress).map(|usage| WireUsage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            estimated: usage.is_estimated,
        });
        Self {
            id: message.id,
            conversation_id: message.conversation,
            position: message.position,
            role: message.author.into(),
            status: message.status.into(),
            content: message.content,
            model: message.model,
            usage,
            finish_reason: message.finish_reason.map(Into::into),
            error: message.failure.map(|code| WireError { code }),
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

/// A message with its answer: the body of a 201, and the data of `message.started`.
#[derive(Serialize)]
pub(crate) struct WirePosted {
    user_message: WireMessage,
    assistant_message: WireMessage,
}

impl From<Posted> for WirePosted {
    fn from(posted: Posted) -> Self {
        Self { user_message: posted.question.into(), assistant_message: posted.answer.into() }
    }
}

/// The data of `message.failed`: a problem with one member more.
#[derive(Serialize)]
struct WireFailed<'a> {
    #[serde(flatten)]
    problem: ProblemBody<'a>,
    /// The answer as it is stored, to be put in place of what was shown.
    message: WireMessage,
}

/// Writes events with the messages and problems of this component.
pub(crate) struct WireEvents;

impl EventFormat for WireEvents {
    fn started(&self, question: &Message, answer: &Message) -> String {
        json(&WirePosted::from(Posted { question: question.clone(), answer: answer.clone() }))
    }

    fn ended(&self, answer: &Message) -> String {
        json(&WireMessage::from(answer.clone()))
    }

    fn failed(&self, failure: &Failure, answer: &Message, correlation_id: &CorrelationId) -> String {
        let problem = Problem::from(failure.clone());
        json(&WireFailed { problem: problem.body(correlation_id), message: answer.clone().into() })
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a struct with names for keys can be written as JSON")
}
