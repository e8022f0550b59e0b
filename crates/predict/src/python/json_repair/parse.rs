//! What kind of value comes next.

use super::cursor::is_quote;
use super::{Context, MAX_DEPTH, Parser, RepairError};
use crate::python::json::{self, DecodeError};
use crate::python::unicode::{is_alpha, is_digit, is_space};
use crate::value::Value;

impl Parser {
    /// The next value; an empty text when there is none. At the top level only objects, arrays, parentheses at the start
    /// of a line and comments are looked at, and everything else is skipped.
    pub(super) fn value(&mut self) -> Value {
        if self.depth >= MAX_DEPTH {
            self.cursor.stop(RepairError::TooDeep);
            return Value::from("");
        }
        self.depth += 1;
        let deferred = std::mem::take(&mut self.deferred);
        let outer = self.context.len();
        self.context.extend(deferred);
        let value = self.dispatch();
        self.context.truncate(outer);
        self.depth -= 1;
        value
    }

    fn dispatch(&mut self) -> Value {
        let mut is_initial = self.cursor.index == 0 && self.context.is_empty();
        while let Some(ch) = self.cursor.char() {
            let is_nested = !self.context.is_empty();
            if matches!(ch, '{' | '[')
                && let Some(value) = self.strict_value()
            {
                return value;
            }
            match ch {
                '{' => {
                    self.cursor.index += 1;
                    return self.object();
                }
                '[' => {
                    self.cursor.index += 1;
                    return Value::List(self.array(']'));
                }
                '(' if is_nested || self.parenthesis_starts_value() => return self.parenthesized(),
                '(' => {}
                _ if is_nested && (is_quote(ch) || is_alpha(ch)) => return self.string(),
                _ if is_nested && (is_digit(ch) || matches!(ch, '-' | '.')) => return self.number(),
                '#' | '/' => return self.comment(),
                _ if is_quote(ch) && is_initial => {
                    // Only the very first quote may belong to an object that lost its opening brace.
                    is_initial = false;
                    if let Some(value) = self.object_without_brace(ch) {
                        return value;
                    }
                }
                _ => {}
            }
            self.cursor.index += 1;
        }
        Value::from("")
    }

    /// The first container of the text, if it is strict JSON with something other than a comma after it. Tried once.
    fn strict_value(&mut self) -> Option<Value> {
        if !self.first_container_has_a_trailer() || self.has_tried_strict || !self.context.is_empty() {
            return None;
        }
        self.has_tried_strict = true;
        let index = self.cursor.index;
        match json::raw_decode(self.cursor.slice(0, self.cursor.len()), index) {
            Ok((value, end)) => {
                self.cursor.index = end;
                Some(value)
            }
            Err(DecodeError::Syntax(_)) => None,
            Err(DecodeError::TooDeep) => self.give_up(RepairError::TooDeep),
            Err(DecodeError::TooLong) => self.give_up(RepairError::Hopeless),
        }
    }

    pub(super) fn give_up<T>(&self, error: RepairError) -> Option<T> {
        self.cursor.stop(error);
        None
    }

    fn first_container_has_a_trailer(&self) -> bool {
        if self.cursor.index != 0 {
            return true;
        }
        let mut closers: Vec<char> = Vec::new();
        let (mut in_string, mut is_escaped) = (false, false);
        let chars = self.cursor.slice(0, self.cursor.len());
        for (position, ch) in chars.iter().copied().enumerate() {
            if in_string {
                match ch {
                    _ if is_escaped => is_escaped = false,
                    '\\' => is_escaped = true,
                    '"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match ch {
                '"' => in_string = true,
                '{' => closers.push('}'),
                '[' => closers.push(']'),
                '}' | ']' if closers.pop() != Some(ch) => return false,
                '}' | ']' if closers.is_empty() => {
                    let trailer = chars[position + 1..].iter().find(|ch| !is_space(**ch));
                    return trailer.is_some_and(|ch| *ch != ',');
                }
                _ => {}
            }
        }
        false
    }

    /// `"a": 1}`: an object whose opening brace is all that is missing.
    fn object_without_brace(&mut self, quote: char) -> Option<Value> {
        let close = self.cursor.skip_to(&[quote], 1);
        self.cursor.at(close)?;
        let colon = self.cursor.scroll_space(close + 1);
        if self.cursor.at(colon) != Some(':') || self.cursor.last_visible_before(self.cursor.len()) != Some('}') {
            return None;
        }
        let mut candidate = vec!['{'];
        candidate.extend_from_slice(self.cursor.slice(0, self.cursor.len()));
        let (value, end) = json::raw_decode(&candidate, 0).ok()?;
        if candidate[end..].iter().any(|ch| !matches!(ch, ' ' | '\t' | '\r' | '\n')) {
            return None;
        }
        self.cursor.index = self.cursor.len();
        Some(value)
    }

    pub(super) fn within<T>(&mut self, context: Context, read: impl FnOnce(&mut Self) -> T) -> T {
        self.context.push(context);
        let value = read(self);
        self.context.pop();
        value
    }
}
