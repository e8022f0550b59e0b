//! Values as XML.

use crate::python::{repr, unicode};
use crate::value::Value;

/// An element with its text on lines of its own.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>\n{text}\n</{name}>")
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A value as nested elements: the items of a list are `item`s, and members whose key is no name are `entry`s.
pub(super) fn nested(tag: &str, key: Option<&str>, value: &Value) -> String {
    let key = key.map(|key| format!(" key={}", quoted_attribute(key))).unwrap_or_default();
    let inner = match value {
        Value::Null => return format!("<{tag}{key} />"),
        Value::List(items) if items.is_empty() => return format!("<{tag}{key} />"),
        Value::List(items) => items.iter().map(|item| nested("item", None, item)).collect(),
        Value::Map(members) => {
            let member = |(name, value): (&String, &Value)| {
                if is_element_name(name) { nested(name, None, value) } else { nested("entry", Some(name), value) }
            };
            members.iter().map(member).collect()
        }
        other => escape(&repr::str(other)),
    };
    format!("<{tag}{key}>{inner}</{tag}>")
}

/// A Python identifier in which `-` and `.` may stand after the first character.
fn is_element_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|ch| ch == '_' || unicode::is_alpha(ch));
    let is_mark = unicode_normalization::char::is_combining_mark;
    starts && chars.all(|ch| unicode::is_word(ch) || is_mark(ch) || matches!(ch, '-' | '.'))
}

/// An attribute value in quotes, as Python's `xml.sax.saxutils.quoteattr` writes it.
fn quoted_attribute(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for ch in text.chars() {
        match ch {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            _ => escaped.push(ch),
        }
    }
    match (escaped.contains('"'), escaped.contains('\'')) {
        (true, true) => format!("\"{}\"", escaped.replace('"', "&quot;")),
        (true, false) => format!("'{escaped}'"),
        _ => format!("\"{escaped}\""),
    }
}
