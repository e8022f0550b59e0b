//! Chat messages as they go to a model.

use crate::media::Media;
use crate::tool::ToolCall;
use crate::value::{Map, Value};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// The instructions.
    System,
    /// The person, or the program on their behalf.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// One piece of a message with several kinds of content.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image, a sound or a file.
    Media(Media),
    /// A part of a kind that this crate does not know, verbatim.
    Other(Map),
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing (`null`): an assistant turn that only calls tools.
    Empty,
    /// Plain text.
    Text(String),
    /// Text mixed with media.
    Parts(Vec<Part>),
}

impl Part {
    /// The part as the object that OpenAI's chat API takes.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => crate::map! { "type" => "text", "text" => text.as_str() }.into(),
            Self::Media(media) => media.to_part().into(),
            Self::Other(map) => map.clone().into(),
        }
    }
}

impl Content {
    /// The content as OpenAI's chat API takes it: `null`, text or a list of parts.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Parts(parts) => Value::List(parts.iter().map(Part::to_value).collect()),
        }
    }
}

/// One chat message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// The calls that an assistant message makes; empty otherwise.
    pub tool_calls: Vec<ToolCall>,
    /// For [`Role::Tool`]: the call that this answers.
    pub tool_call_id: Option<String>,
    /// For [`Role::Tool`]: the tool's name.
    pub name: Option<String>,
}

impl Message {
    /// A message of plain text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: Content::Text(text.into()), tool_calls: Vec::new(), tool_call_id: None, name: None }
    }

    /// The message as the object that OpenAI's chat API takes: `role`, `content`, then what tool turns add.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("role".into(), <&str>::from(self.role).into());
        object.insert("content".into(), self.content.to_value());
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.iter().map(ToolCall::to_value).collect();
            object.insert("tool_calls".into(), Value::List(calls));
        }
        if let Some(id) = &self.tool_call_id {
            object.insert("tool_call_id".into(), id.as_str().into());
        }
        if let Some(name) = &self.name {
            object.insert("name".into(), name.as_str().into());
        }
        Value::Map(object)
    }
}
