//! Media inside user messages: marked text becomes content parts.

use crate::media::{MARKER_END, MARKER_START, Media};
use crate::message::{Content, Message, Part, Role};
use crate::python::{json, json_repair, repr, text};
use crate::value::Value;

/// Splits the text of a user message at its media. Every other message stays as it is.
pub(super) fn expand(message: Message) -> Message {
    match &message.content {
        Content::Text(text) if message.role == Role::User && text.contains(MARKER_START) => {
            let content = Content::Parts(split(text));
            Message { content, ..message }
        }
        _ => message,
    }
}

fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, payload, after)) = next_marked(rest) {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.extend(payload_parts(text::strip(payload)));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

fn next_marked(text: &str) -> Option<(&str, &str, &str)> {
    let (before, marked) = text.split_once(MARKER_START)?;
    let (payload, after) = marked.split_once(MARKER_END)?;
    Some((before, payload, after))
}

/// A payload is a list of content parts; nested in a list or an object it has been written as JSON text once more.
fn payload_parts(payload: &str) -> Vec<Part> {
    let parsed = json::loads(payload)
        .or_else(|_| match json::loads(&format!("\"{payload}\"")) {
            Ok(Value::Str(inner)) => json::loads(&inner),
            other => other,
        })
        .or_else(|_| json_repair::loads(payload));
    match parsed {
        Ok(Value::List(items)) => items.into_iter().map(part).collect(),
        _ => vec![Part::Text(payload.to_owned())],
    }
}

fn part(item: Value) -> Part {
    match item {
        Value::Map(map) => match map.get("text").and_then(Value::as_str) {
            Some(text) if map.len() == 2 && map.get("type").and_then(Value::as_str) == Some("text") => {
                Part::Text(text.to_owned())
            }
            _ => Media::from_part(&map).map_or(Part::Other(map), Part::Media),
        },
        other => Part::Text(repr::str(&other)),
    }
}
