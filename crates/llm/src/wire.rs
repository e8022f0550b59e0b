//! OpenAI's Chat Completions format, as far as the gateway looks at it.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>. Reading is tolerant: what is missing has a default and what
//! we do not name (tools, log probabilities, a provider's own extensions) is kept in `other` and handed on, so that a
//! feature works here on the day a provider has it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the gateway does not look at.
pub type Other = Map<String, Value>;

/// The body of `POST /v1/chat/completions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// A model of the catalogue.
    pub model: String,
    /// The conversation so far, oldest first.
    pub messages: Vec<ChatMessage>,
    /// True for an answer in server-sent events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Only together with `stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Temperature, tools, response format and whatever else the provider understands.
    #[serde(flatten)]
    pub other: Other,
}

impl ChatRequest {
    /// True where the caller wants the answer piece by piece.
    pub fn wants_stream(&self) -> bool {
        self.stream == Some(true)
    }

    /// True where the caller wants to be told the usage at the end of a stream.
    pub fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true))
    }
}

/// How an answer is streamed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// True for a last chunk without choices that carries the usage of the whole request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, under the name that newer models use.
    Developer,
    /// The person, or the program in their place.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
    /// The result of a function call, before there were tool calls.
    Function,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said; absent in an assistant's message that only calls tools.
    #[serde(default)]
    pub content: Option<Content>,
    /// Tool calls, names and the like.
    #[serde(flatten)]
    pub other: Other,
}

impl ChatMessage {
    /// A message of plain text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: Some(Content::Text(text.into())), other: Other::new() }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts: text, images, audio, files.
    Parts(Vec<Map<String, Value>>),
}

impl Content {
    /// All text of this content, parts joined by line breaks.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
                texts.join("\n")
            }
        }
    }
}

/// An answer in one piece: `chat.completion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The provider's name for this answer.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default = "completion_object")]
    pub object: String,
    /// When it was made, in seconds since the epoch.
    #[serde(default)]
    pub created: i64,
    /// The model as its provider calls it.
    #[serde(default)]
    pub model: String,
    /// The answers; one unless more were asked for.
    pub choices: Vec<Choice>,
    /// What it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Which of the answers this is.
    #[serde(default)]
    pub index: u32,
    /// What the model says.
    pub message: ChatMessage,
    /// Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// A piece of a streamed answer: `chat.completion.chunk`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The provider's name for the answer; the same in all of its chunks.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default = "chunk_object")]
    pub object: String,
    /// When the answer was begun, in seconds since the epoch.
    #[serde(default)]
    pub created: i64,
    /// The model as its provider calls it.
    #[serde(default)]
    pub model: String,
    /// What is new; empty in the chunk that carries the usage.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// What it took; in the last chunk, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

impl Chunk {
    /// The new text of the first answer, if this chunk has any.
    pub fn text(&self) -> Option<&str> {
        let first = self.choices.iter().find(|choice| choice.index == 0)?;
        first.delta.content.as_deref().filter(|text| !text.is_empty())
    }

    /// True where the model says that it has come to an end.
    pub fn is_last(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }
}

/// What is new in one of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Which of the answers.
    #[serde(default)]
    pub index: u32,
    /// What is new.
    #[serde(default)]
    pub delta: Delta,
    /// Why the model stopped; in the last piece only.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// A piece of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Who speaks; in the first piece only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// New text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Tool calls, reasoning and the like.
    #[serde(flatten)]
    pub other: Other,
}

/// What an answer took, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Tokens written.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Both together.
    #[serde(default)]
    pub total_tokens: u64,
    /// Details by kind.
    #[serde(flatten)]
    pub other: Other,
}

/// OpenAI's error envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong. OpenAI-compatible servers send `code` as a text, a number or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For a human reader.
    #[serde(default)]
    pub message: String,
    /// The family: `invalid_request_error`, `server_error`, ...
    #[serde(default, rename = "type")]
    pub family: Option<String>,
    /// The field at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// The error's stable name.
    #[serde(default)]
    pub code: Option<Value>,
    /// How long to wait, in milliseconds; between the gateway and its callers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The answer of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelList {
    /// Always `list`.
    pub object: String,
    /// The catalogue, in its own order.
    pub data: Vec<ModelEntry>,
}

/// One model of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Its name.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// Not known: always 0. OpenAI's clients insist on the field.
    pub created: i64,
    /// Its provider.
    pub owned_by: String,
    /// How many tokens it can read and write in one request.
    pub context_tokens: u64,
}

fn completion_object() -> String {
    "chat.completion".to_owned()
}

fn chunk_object() -> String {
    "chat.completion.chunk".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_do_not_know_is_handed_on() {
        let text = r#"{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1"}]},
            {"role":"tool","content":"7","tool_call_id":"c1"}],"temperature":0.5,"tools":[{"type":"function"}]}"#;
        let request: ChatRequest = serde_json::from_str(text).unwrap();
        let sent: Value = serde_json::to_value(&request).unwrap();
        assert_eq!(sent, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_chunk_may_lack_almost_everything() {
        for (text, expected) in [
            ("{}", None),
            (r#"{"choices":[]}"#, None),
            (r#"{"choices":[{"delta":{}}]}"#, None),
            (r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, None),
            (r#"{"choices":[{"delta":{"content":null},"finish_reason":"stop"}],"usage":null}"#, None),
            (r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#, Some("a")),
        ] {
            let chunk: Chunk = serde_json::from_str(text).unwrap();
            assert_eq!(chunk.text(), expected, "{text}");
        }
    }

    #[test]
    fn parts_of_a_message_are_read_for_their_text() {
        let content: Content =
            serde_json::from_str(r#"[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]"#)
                .unwrap();
        assert_eq!(content.text(), "a\nb");
    }
}
