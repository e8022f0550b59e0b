//! Values as providers send them, read for what they mean.
//!
//! Nothing here refuses a value for its type: a value that says nothing is one that is missing. Each of these has been seen at
//! a provider or in a server that calls itself compatible; `docs/providers.md` says where.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;

use super::{ChatMessage, Content, Delta, Other, Role, Usage};

/// A text; numbers count as theirs.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

/// What kind of object this is. We know, whatever it says.
pub(super) fn completion_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| super::answer::completion_object())
}

/// The same for a piece of a streamed answer.
pub(super) fn chunk_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| super::answer::chunk_object())
}

/// A number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    // A float beyond the range becomes the end of it.
    Ok(number(&Value::deserialize(deserializer)?).map_or(0, |number| number as i64))
}

/// A number of tokens. A part of one counts as one, and less than none as none.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_u64().unwrap_or_else(|| number(&value).map_or(0, |number| number.ceil() as u64)))
}

/// Which of the answers.
pub(super) fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(number(&Value::deserialize(deserializer)?).map_or(0, |number| number as u32))
}

/// A list, of which what is `null` is left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(list.unwrap_or_default().into_iter().flatten().collect())
}

/// What a piece adds, which may be nothing.
pub(super) fn delta<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Delta, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Why a model stopped. Some servers say `""` in every piece but the last.
pub(super) fn finish_reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(reason) if !reason.is_empty() => Some(reason),
        _ => None,
    })
}

/// Who speaks in an answer: the model, whatever it is called.
pub(super) fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(name) if !name.is_empty() => Some(read(Value::String(name)).unwrap_or(Role::Assistant)),
        _ => None,
    })
}

/// New text; of parts their texts.
pub(super) fn content<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        parts @ Value::Array(_) => read::<Content>(parts).map(|content| content.text()),
        _ => None,
    })
}

/// What it took. What is no object says nothing.
pub(super) fn usage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Usage>, D::Error> {
    let mut usage: Option<Usage> = read(Value::deserialize(deserializer)?);
    if let Some(usage) = &mut usage {
        usage.total_tokens = usage.total_tokens.max(usage.prompt_tokens.saturating_add(usage.completion_tokens));
    }
    Ok(usage)
}

/// The message of an answer in one piece.
pub(super) fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ChatMessage, D::Error> {
    let Value::Object(mut message) = Value::deserialize(deserializer)? else { return Ok(silence()) };
    let role = message.remove("role").and_then(read).unwrap_or(Role::Assistant);
    let content = message.remove("content").and_then(read);
    Ok(ChatMessage { role, content, other: message })
}

/// A message that says nothing.
pub(super) fn silence() -> ChatMessage {
    ChatMessage { role: Role::Assistant, content: None, other: Other::new() }
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
