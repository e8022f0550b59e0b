//! How a string begins.

use super::StringState;
use crate::python::json_repair::cursor::is_quote;
use crate::python::json_repair::{Context, Parser};
use crate::python::unicode::{is_alnum, is_space};
use crate::value::Value;

impl Parser {
    /// Steps to the first character of the string's text; `Err` is a value that is complete already.
    pub(super) fn string_entry(&mut self) -> Result<StringState, Value> {
        if matches!(self.cursor.char(), Some('#' | '/')) {
            return Err(self.comment());
        }
        while self.cursor.char().is_some_and(|ch| !is_quote(ch) && !is_alnum(ch)) {
            self.cursor.index += 1;
        }
        let Some(ch) = self.cursor.char() else { return Err(Value::from("")) };
        if let Some(text) = self.simple_string() {
            return Err(Value::Str(text));
        }
        let mut state = StringState::new();
        match ch {
            '\'' => (state.left, state.right) = ('\'', '\''),
            '“' => (state.left, state.right) = ('“', '”'),
            _ if is_quote(ch) => {}
            _ => {
                if self.current() != Some(Context::ObjectKey)
                    && let Some(value) = self.literal()
                {
                    return Err(value);
                }
                state.missing_quotes = true;
            }
        }
        self.cursor.index += usize::from(!state.missing_quotes);
        if let Some(value) = self.fenced_block() {
            return Err(value);
        }
        if self.cursor.char() == Some(state.left) { self.second_quote(state) } else { Ok(state) }
    }

    /// `"..."` without escapes and line ends, followed by what has to follow in its surroundings.
    fn simple_string(&mut self) -> Option<String> {
        if self.cursor.char() != Some('"') {
            return None;
        }
        let mut offset = 1;
        loop {
            match self.cursor.at(offset)? {
                '"' => break,
                '\\' | '\n' | '\r' => return None,
                _ => offset += 1,
            }
        }
        let next = self.cursor.at(self.cursor.scroll_space(offset + 1));
        let fits = match self.current() {
            Some(Context::ObjectKey) => next == Some(':'),
            Some(Context::ObjectValue) => matches!(next, Some(',' | '}') | None),
            Some(Context::Array) => matches!(next, Some(',' | ']') | None),
            None => next.is_none(),
        };
        if !fits {
            return None;
        }
        let start = self.cursor.index + 1;
        let end = self.cursor.index.saturating_add_signed(offset);
        self.cursor.index = end + 1;
        Some(self.cursor.slice(start, end).iter().collect())
    }

    /// `true`, `false`, `null` or `none` in any case, if the word ends there.
    fn literal(&mut self) -> Option<Value> {
        let words =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null), ("none", Value::Null)];
        for (word, value) in words {
            let is_here = (0..)
                .zip(word.chars())
                .all(|(offset, expected)| self.cursor.at(offset).is_some_and(|ch| ch.to_lowercase().eq([expected])));
            let next = self.cursor.at(word.len() as isize);
            if is_here && next.is_none_or(|ch| is_space(ch) || matches!(ch, ',' | ')' | ']' | '}')) {
                self.cursor.index += word.len();
                return Some(value);
            }
        }
        None
    }

    /// The value inside a fence with the language `json`, opened where a string's text would begin.
    fn fenced_block(&mut self) -> Option<Value> {
        let starts_with = |parser: &Self, position: usize, text: &str| {
            parser.cursor.slice(position, position + text.len()).iter().copied().eq(text.chars())
        };
        if self.cursor.char() != Some('`') || !starts_with(self, self.cursor.index, "```json") {
            return None;
        }
        let close = self.cursor.skip_to(&['`'], 7);
        if !starts_with(self, self.cursor.index.saturating_add_signed(close), "```") {
            return None;
        }
        self.cursor.index += 7;
        // json_repair tells "no block" by `False`, so that a block of `false` counts as none.
        Some(self.value()).filter(|value| *value != Value::Bool(false))
    }

    /// A second quote right after the first: an empty string, a doubled quote, a quoted span or a slip.
    fn second_quote(&mut self, mut state: StringState) -> Result<StringState, Value> {
        let (left, right) = (state.left, state.right);
        let next = self.cursor.at(1);
        let closes = match self.current() {
            Some(Context::ObjectKey) => next == Some(':'),
            Some(Context::ObjectValue) => matches!(next, Some(',' | '}')),
            Some(Context::Array) => matches!(next, Some(',' | ']')),
            None => false,
        };
        if closes {
            self.cursor.index += 1;
            return Err(Value::from(""));
        }
        if next == Some(left) {
            return Err(Value::from(""));
        }
        let close = self.cursor.skip_to(&[right], 1);
        if self.cursor.at(close + 1) == Some(right) {
            state.doubled_quotes = true;
            self.cursor.index += 1;
            return Ok(state);
        }
        if self.cursor.at(close) == Some(right) && self.starts_quoted_span(right, close) {
            state.push(left);
            state.unmatched_quote = true;
            self.cursor.index += 1;
            return Ok(state);
        }
        match self.cursor.at(self.cursor.scroll_space(1)) {
            Some(ch) if is_quote(ch) || matches!(ch, '{' | '[') => {
                self.cursor.index += 1;
                Err(Value::from(""))
            }
            Some(',' | ']' | '}') => Ok(state),
            _ => {
                self.cursor.index += 1;
                Ok(state)
            }
        }
    }

    /// Whether the second quote opens a span inside the string: it is closed, and the string after it too.
    fn starts_quoted_span(&self, right: char, close: isize) -> bool {
        let outer = self.cursor.skip_to(&[right], close + 1);
        let after = self.cursor.at(self.cursor.scroll_space(outer + 1));
        self.current() == Some(Context::ObjectValue)
            && !self.is_space_until(close)
            && self.cursor.at(outer) == Some(right)
            && matches!(after, Some(',' | '}') | None)
    }
}
