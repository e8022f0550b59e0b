//! OpenAI's Chat Completions format, as far as the gateway looks at it.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>. Reading an answer is tolerant: what is missing or of another
//! type has a default, and what we do not name (tools, log probabilities, a provider's own extensions) is kept in `other` and
//! handed on, so that a feature works here on the day a provider has it. `docs/providers.md` lists what is tolerated and why.

mod answer;
mod error;
mod lenient;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    answer::{Choice, Chunk, ChunkChoice, Completion, Delta, Usage},
    error::{ErrorBody, ErrorDetail},
};

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
    fn parts_of_a_message_are_read_for_their_text() {
        let content: Content =
            serde_json::from_str(r#"[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]"#)
                .unwrap();
        assert_eq!(content.text(), "a\nb");
    }
}
