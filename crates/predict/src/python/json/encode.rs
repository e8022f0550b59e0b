//! The encoder, `json.dumps` with `ensure_ascii=False`.

use std::fmt::Write;

use crate::python::float;
use crate::value::Value;

/// `json.dumps(value, ensure_ascii=False)`: `", "` and `": "` between things.
#[must_use]
pub fn dumps(value: &Value) -> String {
    Encoder::new(", ", ": ", None).encode(value)
}

/// `json.dumps(value, ensure_ascii=False, indent=2)`.
#[must_use]
pub fn dumps_indented(value: &Value) -> String {
    Encoder::new(",", ": ", Some(2)).encode(value)
}

/// `json.dumps(value, ensure_ascii=False, separators=(",", ":"))`, as requests go over the wire.
#[must_use]
pub fn dumps_compact(value: &Value) -> String {
    Encoder::new(",", ":", None).encode(value)
}

struct Encoder {
    out: String,
    item_separator: &'static str,
    key_separator: &'static str,
    indent: Option<usize>,
    depth: usize,
}

impl Encoder {
    fn new(item_separator: &'static str, key_separator: &'static str, indent: Option<usize>) -> Self {
        Self { out: String::new(), item_separator, key_separator, indent, depth: 0 }
    }

    fn encode(mut self, value: &Value) -> String {
        self.value(value);
        self.out
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(number) => self.out.push_str(&number.to_string()),
            Value::BigInt(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.float(*number),
            Value::Str(text) => self.text(text),
            Value::List(items) => self.sequence('[', ']', items, |encoder, item| encoder.value(item)),
            Value::Map(map) => self.sequence('{', '}', map, |encoder, (key, item)| {
                encoder.text(key);
                encoder.out.push_str(encoder.key_separator);
                encoder.value(item);
            }),
            Value::Media(_) | Value::Tool(_) | Value::ToolCalls(_) => self.value(&value.to_plain()),
        }
    }

    fn float(&mut self, number: f64) {
        let text = match number {
            _ if number.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            _ => float::repr(number),
        };
        self.out.push_str(&text);
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.out.push(open);
        self.depth += 1;
        let mut is_empty = true;
        for item in items {
            if !is_empty {
                self.out.push_str(self.item_separator);
            }
            is_empty = false;
            self.line_break();
            write(self, item);
        }
        self.depth -= 1;
        if !is_empty {
            self.line_break();
        }
        self.out.push(close);
    }

    fn line_break(&mut self) {
        if let Some(width) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', width * self.depth));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for ch in text.chars() {
            match ch {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\0'..='\u{1f}' => write!(self.out, "\\u{:04x}", u32::from(ch)).expect("writing to a String succeeds"),
                _ => self.out.push(ch),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn separators_and_escapes_are_pythons() {
        let value = Value::from(map! {
            "a" => vec![Value::from(1), Value::from(1.0), Value::from(1e16), Value::from(f64::NAN)],
            "é\u{2028}" => "\"\\\n\u{1}\u{7f}",
            "e" => Value::List(vec![]),
        });
        assert_eq!(
            dumps(&value),
            "{\"a\": [1, 1.0, 1e+16, NaN], \"é\u{2028}\": \"\\\"\\\\\\n\\u0001\u{7f}\", \"e\": []}"
        );
        assert_eq!(
            dumps_indented(&Value::from(map! { "a" => vec![1, 2], "b" => Value::Map(map! {}) })),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"
        );
        assert_eq!(dumps_compact(&Value::from(map! { "a" => vec![1, 2] })), "{\"a\":[1,2]}");
    }
}
