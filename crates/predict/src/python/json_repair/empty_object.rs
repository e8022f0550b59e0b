//! Objects in which no member was found although something is in them: sets, and objects whose quotes are escaped.

use super::cursor::is_quote;
use super::object::is_blank;
use super::{Context, Parser};
use crate::python::unicode::is_space;
use crate::value::{Map, Value};

/// What the text between the braces of an empty object is.
enum Body {
    /// Nothing, or members that were beyond repair.
    Object,
    /// An object whose quotes are escaped: the text without the backslashes.
    Escaped(Vec<char>),
    /// Values without keys.
    Set,
}

impl Parser {
    /// Reads an object without members again, as what it really is. `start` is the place after its opening brace.
    pub(super) fn repair_empty(&mut self, members: &Map, start: usize) -> Option<Value> {
        let index = self.cursor.index;
        if !members.is_empty() || index.saturating_sub(start) <= 2 {
            return None;
        }
        let body = self.cursor.slice(start, index - 1);
        if self.cursor.at(-1) == Some('}') && is_blank(&without_comments(body)) {
            return None;
        }
        let value = match self.classify(start) {
            Body::Object => return None,
            Body::Escaped(text) => {
                self.cursor.splice(start - 1, index + 1, text);
                self.cursor.index = start;
                self.depth += 1;
                let value = self.within(Context::ObjectKey, Self::nested_object);
                self.depth -= 1;
                value
            }
            Body::Set => {
                self.cursor.index = start;
                Value::List(self.within(Context::ObjectKey, |parser| parser.array(']')))
            }
        };
        // What follows is read as if it were still inside a key: json_repair's contexts end late here.
        self.deferred.push(Context::ObjectKey);
        Some(value)
    }

    fn nested_object(&mut self) -> Value {
        if self.depth > super::MAX_DEPTH {
            self.cursor.stop(super::RepairError::TooDeep);
            return Value::from("");
        }
        self.object()
    }

    fn classify(&self, start: usize) -> Body {
        let attempted = self.cursor.slice(start.saturating_sub(1), self.cursor.index + 1);
        let body = &attempted[1.min(attempted.len())..];
        let body = body.strip_suffix(&['}']).unwrap_or(body);
        let body = strip_start(body);
        if body.is_empty() {
            return Body::Object;
        }
        let is_escaped = |quote: char| {
            body.starts_with(&['\\', quote]) && body.windows(3).any(|window| window == ['\\', quote, ':'])
        };
        if is_escaped('"') || is_escaped('\'') {
            return Body::Escaped(without_escapes(attempted));
        }
        let body = without_comments(body);
        if is_blank(&body) || has_colon_outside_strings(strip_start(&body)) { Body::Object } else { Body::Set }
    }
}

fn strip_start(chars: &[char]) -> &[char] {
    let start = chars.iter().position(|ch| !is_space(*ch)).unwrap_or(chars.len());
    &chars[start..]
}

/// The text without the backslash of `\"`, then of `\'`.
fn without_escapes(text: &[char]) -> Vec<char> {
    let mut normalized = text.to_vec();
    for quote in ['"', '\''] {
        let mut kept = Vec::with_capacity(normalized.len());
        for ch in normalized {
            if ch == quote && kept.last() == Some(&'\\') {
                kept.pop();
            }
            kept.push(ch);
        }
        normalized = kept;
    }
    normalized
}

fn has_colon_outside_strings(body: &[char]) -> bool {
    let mut quote: Option<char> = None;
    let mut backslashes = 0;
    for ch in body.iter().copied() {
        if ch == '\\' {
            backslashes += 1;
            continue;
        }
        let is_escaped = backslashes % 2 == 1;
        backslashes = 0;
        match quote {
            Some(open) if ch == open && !is_escaped => quote = None,
            Some(_) => {}
            None if is_quote(ch) && !is_escaped => quote = Some(ch),
            None if ch == ':' && !is_escaped => return true,
            None => {}
        }
    }
    false
}

/// The text without its comments; comment signs inside strings are none.
fn without_comments(body: &[char]) -> Vec<char> {
    let mut kept = Vec::with_capacity(body.len());
    let mut quote: Option<char> = None;
    let mut backslashes = 0;
    let mut at = 0;
    while let Some(ch) = body.get(at).copied() {
        if ch == '\\' {
            backslashes += 1;
            kept.push(ch);
            at += 1;
            continue;
        }
        let is_escaped = backslashes % 2 == 1;
        backslashes = 0;
        let next = body.get(at + 1).copied();
        match quote {
            Some(open) if ch == open && !is_escaped => quote = None,
            Some(_) => {}
            None if is_quote(ch) && !is_escaped => quote = Some(ch),
            None if ch == '#' || (ch == '/' && next == Some('/')) => {
                at += body[at..].iter().take_while(|ch| !matches!(ch, '\n' | '\r')).count();
                continue;
            }
            None if ch == '/' && next == Some('*') => {
                let inside = &body[at + 2..];
                at += inside.windows(2).position(|pair| pair == ['*', '/']).map_or(body.len() - at, |end| end + 4);
                continue;
            }
            None => {}
        }
        kept.push(ch);
        at += 1;
    }
    kept
}
