//! Tools as prompts see them, and the calls that models make.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::python::{json, repr};
use crate::value::{Map, Value};

/// The description of something that a model may call. Running it is the agent's business, not this type's.
///
/// `Display` is the line that DSPy puts into prompts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tool {
    /// The name that the model uses.
    pub name: String,
    /// What it does, verbatim; `None` leaves the description out of the prompt.
    pub description: Option<String>,
    /// JSON Schema by argument name, in the order of the arguments. A schema with `default` makes its argument optional.
    pub args: Map,
}

/// A call that a model wants made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of this call; results refer to it.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments by name.
    pub args: Map,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// What it gave.
    pub value: Value,
    /// Whether that is an error.
    pub is_error: bool,
}

/// The value of a field of type [`crate::Type::ToolCalls`]: calls, in a history also their results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCalls {
    /// The calls, in the model's order.
    pub calls: Vec<ToolCall>,
    /// Their results, where they have been made.
    pub results: Option<Vec<ToolResult>>,
}

impl Tool {
    /// A tool without arguments; add them with [`Tool::arg`].
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: Some(description.into()), args: Map::new() }
    }

    /// Adds an argument with its JSON Schema.
    #[must_use]
    pub fn arg(mut self, name: impl Into<String>, schema: impl Into<Value>) -> Self {
        self.args.insert(name.into(), schema.into());
        self
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        match self.description.as_deref() {
            Some(text) if !text.is_empty() => {
                write!(formatter, ", whose description is <desc>{}</desc>.", text.replace('\n', "  "))?;
            }
            _ => formatter.write_str(".")?,
        }
        write!(formatter, " It takes arguments {}.", repr::repr(&Value::Map(self.args.clone())))
    }
}

impl ToolCall {
    /// The call inside an assistant message, in OpenAI's form: arguments are JSON text.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let arguments = json::dumps(&Value::Map(self.args.clone()).to_plain());
        let function = crate::map! { "name" => self.name.as_str(), "arguments" => arguments };
        crate::map! { "id" => self.id.clone(), "type" => "function", "function" => function }.into()
    }

    /// The call as prompts show it: `{"name", "args"}`, without its id.
    #[must_use]
    pub fn to_plain(&self) -> Value {
        let args = self.args.iter().map(|(key, value)| (key.clone(), value.to_plain())).collect::<Map>();
        crate::map! { "name" => self.name.as_str(), "args" => args }.into()
    }
}

impl ToolResult {
    /// The result as prompts show it.
    #[must_use]
    pub fn to_plain(&self) -> Value {
        crate::map! {
            "call_id" => self.call_id.clone(),
            "name" => self.name.as_str(),
            "value" => self.value.to_plain(),
            "is_error" => self.is_error,
        }
        .into()
    }
}

impl ToolCalls {
    /// The calls as prompts show them: `{"tool_calls": [...]}`, with `tool_call_results` where there are any.
    #[must_use]
    pub fn to_plain(&self) -> Value {
        let mut plain = crate::map! { "tool_calls" => self.calls.iter().map(ToolCall::to_plain).collect::<Vec<_>>() };
        if let Some(results) = &self.results {
            let results = results.iter().map(ToolResult::to_plain).collect::<Vec<_>>();
            plain.insert("tool_call_results".into(), results.into());
        }
        plain.into()
    }
}
