//! The turns of a conversation that lie behind the current one.

use super::FormatError;
use super::conversation::{Protocol, user_text};
use crate::message::{Content, Message, Role};
use crate::python::json;
use crate::signature::{Field, Signature};
use crate::tool::{ToolCalls, ToolResult};
use crate::typing::Type;
use crate::value::{Map, Value};

/// The input field that holds the history, and the signature without it, in which turns are shown.
pub(super) struct HistoryField {
    name: String,
    pub(super) rest: Signature,
}

impl HistoryField {
    pub(super) fn of(signature: &Signature) -> Option<Self> {
        let field = signature.inputs().find(|field| field.ty == Type::History)?;
        Some(Self { name: field.name.clone(), rest: signature.clone().delete(&field.name) })
    }
}

/// Adds the messages of every turn of the history, if one is given.
pub(super) fn push(
    messages: &mut Vec<Message>,
    protocol: &impl Protocol,
    field: &HistoryField,
    inputs: &Map,
) -> Result<(), FormatError> {
    let Some(history) = inputs.get(&field.name) else { return Ok(()) };
    let error = |reason: &str| FormatError { field: field.name.clone(), reason: reason.to_owned() };
    let turns = history.get("messages").and_then(Value::as_list);
    for turn in turns.ok_or_else(|| error("a history is an object with a list `messages`"))? {
        let turn = turn.as_map().ok_or_else(|| error("a turn of the history is no object"))?;
        push_turn(messages, protocol, &field.rest, turn)?;
    }
    Ok(())
}

fn push_turn(
    messages: &mut Vec<Message>,
    protocol: &impl Protocol,
    signature: &Signature,
    turn: &Map,
) -> Result<(), FormatError> {
    // A turn of outputs alone gets no user message that would hold nothing but the reminder.
    let has_inputs = signature.inputs().any(|field| turn.contains_key(&field.name));
    let user = user_text(protocol, signature, turn, "", has_inputs)?;
    if !user.is_empty() {
        messages.push(Message::text(Role::User, user));
    }
    match tool_calls(turn) {
        Some((_, calls)) if protocol.native_tools() => push_native_calls(messages, protocol, signature, turn, calls),
        Some((name, calls)) if calls.results.is_some() => {
            push_calls_as_text(messages, protocol, signature, turn, name, calls)
        }
        _ => {
            let assistant = protocol.outputs(signature, turn, &Value::Null)?;
            if !assistant.is_empty() {
                messages.push(Message::text(Role::Assistant, assistant));
            }
            Ok(())
        }
    }
}

fn tool_calls(turn: &Map) -> Option<(&str, ToolCalls)> {
    turn.iter().find_map(|(name, value)| match value {
        Value::ToolCalls(calls) => Some((name.as_str(), calls.clone())),
        Value::Map(map) if map.contains_key("tool_calls") => {
            let calls = crate::coerce::tool_calls(value).ok()?;
            Some((name.as_str(), calls))
        }
        _ => None,
    })
}

/// The calls inside the assistant's text, their results as a user message of their own.
fn push_calls_as_text(
    messages: &mut Vec<Message>,
    protocol: &impl Protocol,
    signature: &Signature,
    turn: &Map,
    name: &str,
    calls: ToolCalls,
) -> Result<(), FormatError> {
    let results = calls.results.iter().flatten().map(ToolResult::to_plain).collect::<Vec<_>>();
    let mut values = turn.clone();
    values.insert(name.to_owned(), ToolCalls { results: None, ..calls }.into());
    let assistant = protocol.outputs(signature, &values, &Value::Null)?;
    if !assistant.is_empty() {
        messages.push(Message::text(Role::Assistant, assistant));
    }
    let field = Field::input("tool_call_results", Type::Any);
    let results_signature = Signature::new("ToolCallResults", Some("Results of tool calls."), vec![field]);
    let values = crate::map! { "tool_call_results" => crate::map! { "tool_call_results" => results } };
    let user = user_text(protocol, &results_signature, &values, "", false)?;
    messages.push(Message::text(Role::User, user));
    Ok(())
}

/// An assistant message with the calls and one tool message for each result, if there is a result for exactly each call.
fn push_native_calls(
    messages: &mut Vec<Message>,
    protocol: &impl Protocol,
    signature: &Signature,
    turn: &Map,
    calls: ToolCalls,
) -> Result<(), FormatError> {
    let mut shown = signature.clone();
    for field in signature.outputs() {
        if field.ty == Type::ToolCalls || turn.get(&field.name).is_none_or(Value::is_null) {
            shown = shown.delete(&field.name);
        }
    }
    let text =
        if shown.outputs().next().is_some() { protocol.outputs(&shown, turn, &Value::Null)? } else { String::new() };
    let ids: Vec<_> = calls.calls.iter().map(|call| call.id.as_deref()).collect();
    let has_ids = ids.iter().all(|id| id.is_some_and(|id| !id.is_empty()));
    let matches = |results: &Vec<ToolResult>| {
        has_ids && results.iter().map(|result| result.call_id.as_deref()).collect::<Vec<_>>() == ids
    };
    let results = calls.results.filter(matches);
    if !text.is_empty() || results.is_some() {
        let content = if text.is_empty() { Content::Empty } else { Content::Text(text) };
        let tool_calls = if results.is_some() { calls.calls } else { Vec::new() };
        messages.push(Message { content, tool_calls, ..Message::text(Role::Assistant, "") });
    }
    for result in results.into_iter().flatten() {
        let text = match &result.value {
            Value::Str(text) => text.clone(),
            other => json::dumps(&other.to_plain()),
        };
        let message = Message::text(Role::Tool, text);
        messages.push(Message { tool_call_id: result.call_id, name: Some(result.name), ..message });
    }
    Ok(())
}
