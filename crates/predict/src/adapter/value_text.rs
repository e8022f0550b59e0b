//! One field's value as prompt text.

use super::FormatError;
use crate::python::{json, repr};
use crate::signature::Field;
use crate::typing::Type;
use crate::value::Value;

/// The text of a value: a list in a text field becomes numbered blobs, other lists and objects become JSON, everything
/// else is what Python prints.
pub(super) fn value_text(field: &Field, value: &Value) -> Result<String, FormatError> {
    match (value, &field.ty) {
        (Value::List(items), Type::Str) => {
            numbered_blobs(items).map_err(|reason| FormatError { field: field.name.clone(), reason })
        }
        _ => Ok(plain_text(value)),
    }
}

fn plain_text(value: &Value) -> String {
    let plain = value.to_plain();
    match plain {
        Value::List(_) | Value::Map(_) => json::dumps(&plain),
        _ => repr::str(&plain),
    }
}

fn numbered_blobs(items: &[Value]) -> Result<String, String> {
    match items {
        [] => Ok("N/A".to_owned()),
        [only] => blob(only),
        _ => {
            let lines = items.iter().enumerate().map(|(index, item)| Ok(format!("[{}] {}", index + 1, blob(item)?)));
            lines.collect::<Result<Vec<_>, String>>().map(|lines| lines.join("\n"))
        }
    }
}

/// Text between guillemets; on lines of its own when it has line ends or guillemets itself.
fn blob(item: &Value) -> Result<String, String> {
    match item {
        Value::Str(text) if text.contains(['\n', '«', '»']) => {
            Ok(format!("«««\n    {}\n»»»", text.replace('\n', "\n    ")))
        }
        Value::Str(text) => Ok(format!("«{text}»")),
        // DSPy looks for the special characters with Python's `in`, which asks lists and objects for members.
        Value::List(members) if members.iter().all(|member| !is_special(member.as_str())) => {
            Ok(format!("«{}»", repr::str(item)))
        }
        Value::Map(members) if members.keys().all(|key| !is_special(Some(key))) => Ok(format!("«{}»", repr::str(item))),
        other => Err(format!("a list in a text field holds {}, which is no text", repr::repr(other))),
    }
}

fn is_special(text: Option<&str>) -> bool {
    matches!(text, Some("\n" | "«" | "»"))
}
