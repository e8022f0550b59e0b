//! Arrays, closed or not.

use super::cursor::is_quote;
use super::{Context, Parser};
use crate::value::Value;

impl Parser {
    /// The elements up to the closing delimiter or what has to be taken for it. The opening one has been passed.
    pub(super) fn array(&mut self, close: char) -> Vec<Value> {
        let is_object_value = self.current() == Some(Context::ObjectValue);
        self.within(Context::Array, |parser| parser.elements(close, is_object_value))
    }

    fn elements(&mut self, close: char, is_object_value: bool) -> Vec<Value> {
        let mut elements: Vec<Value> = Vec::new();
        loop {
            self.skip_space_and_comments();
            let Some(ch) = self.cursor.char() else { break };
            if ch == close || ch == '}' {
                break;
            }
            if ch == ',' {
                self.cursor.index += 1;
                continue;
            }
            let value = if !is_quote(ch) {
                self.value()
            } else if self.string_is_a_key(ch) {
                let all_scalars = elements.iter().all(|element| !matches!(element, Value::List(_) | Value::Map(_)));
                if is_object_value && !elements.is_empty() && all_scalars {
                    // The array was never closed: this is the next member of the object around it.
                    return elements;
                }
                self.object()
            } else {
                self.string()
            };
            let next = self.cursor.char();
            if is_empty_container(&value) && next != Some(close) && next != Some(',') {
                self.cursor.index += 1;
            } else if value.as_str() != Some("...") || self.cursor.at(-1) != Some('.') {
                elements.push(value);
            }
        }
        self.cursor.index += 1;
        elements
    }

    /// Whether a colon follows the string that starts here: then an object starts here that lost its brace.
    fn string_is_a_key(&self, quote: char) -> bool {
        let close = self.cursor.skip_to(&[quote], 1);
        let next = self.cursor.scroll_space(close + 1);
        self.cursor.at(next) == Some(':')
    }
}

fn is_empty_container(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
