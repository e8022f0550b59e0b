//! What a model answers.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::tool::ToolCall;
use crate::value::Value;

/// One answer, of one or more choices.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LmResponse {
    /// The replies; at least one unless the provider misbehaves.
    pub choices: Vec<Choice>,
    /// What it cost in tokens.
    pub usage: Usage,
    /// The model that answered, when it says so.
    pub model: Option<String>,
}

/// One reply.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// The text; `None` when the reply is tool calls only.
    pub text: Option<String>,
    /// The tools to call.
    pub tool_calls: Vec<ToolCall>,
    /// The native reasoning.
    pub reasoning: Option<String>,
    /// Log probabilities as the provider gave them.
    pub logprobs: Option<Value>,
    /// Why the reply ended: `stop`, `length`, `tool_calls`.
    pub finish_reason: Option<String>,
}

/// Tokens used, and their price where the model knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Price in millionths of a US dollar.
    pub cost_micro_usd: u64,
}

/// A piece of a streamed reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// More text.
    Text(String),
    /// More native reasoning.
    Reasoning(String),
    /// The whole answer; the last piece of every stream that does not fail.
    Done(LmResponse),
}

impl LmResponse {
    /// An answer of one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let choice = Choice { text: Some(text.into()), ..Choice::default() };
        Self { choices: vec![choice], ..Self::default() }
    }

    /// The text of the first choice, empty when there is none.
    #[must_use]
    pub fn first_text(&self) -> String {
        self.choices.first().and_then(|choice| choice.text.clone()).unwrap_or_default()
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cost_micro_usd += other.cost_micro_usd;
    }
}
