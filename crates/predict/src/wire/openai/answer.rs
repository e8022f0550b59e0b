//! Answers of the Chat Completions interface.

use std::time::Duration;

use crate::lm::{Choice, LmError, LmErrorKind, LmResponse, Usage};
use crate::python::{json, json_repair};
use crate::tool::ToolCall;
use crate::value::{Map, Value};

/// Reads the body of an answer.
///
/// # Errors
/// When the body is not an answer ([`LmErrorKind::Server`]).
pub fn response(body: &str) -> Result<LmResponse, LmError> {
    let unreadable = |what: &str| LmError::new(LmErrorKind::Server, format!("the answer {what}"));
    let answer = json::loads(body).map_err(|error| unreadable(&error.to_string()))?;
    let choices = answer.get("choices").and_then(Value::as_list).ok_or_else(|| unreadable("holds no choices"))?;
    Ok(LmResponse {
        choices: choices.iter().map(choice).collect(),
        usage: usage(answer.get("usage")),
        model: answer.get("model").and_then(Value::as_str).map(str::to_owned),
    })
}

/// The failure that an HTTP status and its body tell of.
#[must_use]
pub fn error(status: u16, body: &str, retry_after: Option<Duration>) -> LmError {
    let parsed = json::loads(body).unwrap_or_default();
    let told = parsed.get("error").cloned().unwrap_or_default();
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (message, code) = (text("message"), text("code"));
    let kind = match (status, code.as_str()) {
        (_, "context_length_exceeded") => LmErrorKind::ContextWindowExceeded,
        (_, "insufficient_quota") | (402, _) => LmErrorKind::Billing,
        (401 | 403, _) => LmErrorKind::Auth,
        (404, _) => LmErrorKind::Unsupported,
        (408, _) => LmErrorKind::Timeout,
        (429, _) => LmErrorKind::RateLimit,
        (500.., _) => LmErrorKind::Server,
        _ => LmErrorKind::InvalidRequest,
    };
    let message = if message.is_empty() { format!("HTTP status {status}") } else { message };
    LmError { retry_after, ..LmError::new(kind, message) }
}

/// Reads a tool call, whose arguments may be JSON in need of repair.
#[must_use]
pub fn tool_call(call: &Value) -> ToolCall {
    let empty = Value::Null;
    let function = call.get("function").unwrap_or(&empty);
    let member = |key: &str| function.get(key).filter(|value| !value.is_null()).or_else(|| call.get(key));
    let args = match member("arguments") {
        Some(Value::Str(text)) => json_repair::loads(text).ok().and_then(|args| args.as_map().cloned()),
        Some(Value::Map(args)) => Some(args.clone()),
        _ => None,
    };
    // The Responses API names the call apart from the item that holds it.
    let id = call.get("call_id").and_then(Value::as_str).or_else(|| call.get("id").and_then(Value::as_str));
    ToolCall {
        id: id.map(str::to_owned),
        name: member("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        args: args.unwrap_or_else(Map::new),
    }
}

fn choice(choice: &Value) -> Choice {
    let empty = Value::Null;
    let message = choice.get("message").unwrap_or(&empty);
    let calls = message.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    Choice {
        text: text(message.get("content")),
        tool_calls: calls.iter().map(tool_call).collect(),
        reasoning: text(message.get("reasoning_content").or_else(|| message.get("reasoning"))),
        logprobs: choice.get("logprobs").filter(|logprobs| !logprobs.is_null()).cloned(),
        finish_reason: text(choice.get("finish_reason")),
    }
}

pub(super) fn usage(usage: Option<&Value>) -> Usage {
    let count =
        |key: &str| usage.and_then(|usage| usage.get(key)?.as_i64()).and_then(|count| u64::try_from(count).ok());
    Usage {
        prompt_tokens: count("prompt_tokens").unwrap_or(0),
        completion_tokens: count("completion_tokens").unwrap_or(0),
        cost_micro_usd: 0,
    }
}
