//! `repr` and `str` of values, which reach prompts through text fields and tool descriptions.

use super::float;
use super::unicode::is_printable;
use crate::value::Value;

/// `str(value)`: text as it is, everything else as [`repr`].
#[must_use]
pub fn str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::Tool(tool) => tool.to_string(),
        other => repr(other),
    }
}

/// `repr(value)`: `None`, `True`, `1.0`, `['x', {'a': 1}]`.
#[must_use]
pub fn repr(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::BigInt(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float::repr(*number)),
        Value::Str(text) => write_text(out, text),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_text(out, key);
                out.push_str(": ");
                write(out, item);
            }
            out.push('}');
        }
        Value::Media(media) => out.push_str(&media.to_marker()),
        Value::Tool(tool) => out.push_str(&tool.to_string()),
        Value::ToolCalls(calls) => write(out, &calls.to_plain()),
    }
}

/// `repr(str)`: single quotes unless the text has one and no double quote; what is not printable is escaped.
fn write_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for ch in text.chars() {
        match ch {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if ch == quote => out.extend(['\\', ch]),
            _ if is_printable(ch) => out.push(ch),
            _ => match u32::from(ch) {
                code @ 0..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ 0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_pythons() {
        let cases = [
            ("it's", "\"it's\""),
            ("say \"x\"", "'say \"x\"'"),
            ("both ' and \"", "'both \\' and \"'"),
            ("\n\t\\", "'\\n\\t\\\\'"),
            ("é😀\u{200b}\0\u{a0}\u{e0001}", "'é😀\\u200b\\x00\\xa0\\U000e0001'"),
        ];
        for (text, expected) in cases {
            assert_eq!(repr(&Value::from(text)), expected);
        }
    }

    #[test]
    fn containers_nest() {
        let value = Value::from(crate::map! { "a" => vec![Value::from(true), Value::Null, Value::from(1.5)] });
        assert_eq!(str(&value), "{'a': [True, None, 1.5]}");
    }
}
