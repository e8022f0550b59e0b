//! Objects: members with and without quotes, colons, commas and braces.

use super::cursor::is_quote;
use super::{Context, Parser, RepairError};
use crate::python::unicode::is_space;
use crate::value::{Map, Value};

impl Parser {
    /// The object whose opening brace has been passed; a list if it turns out to be a set.
    pub(super) fn object(&mut self) -> Value {
        let start = self.cursor.index;
        let is_object_value = self.current() == Some(Context::ObjectValue);
        let members = self.members(is_object_value);
        self.cursor.index += 1;
        match self.repair_empty(&members, start) {
            Some(value) => value,
            None => self.complete(members),
        }
    }

    fn members(&mut self, is_object_value: bool) -> Map {
        let mut members = Map::new();
        loop {
            self.skip_space_and_comments();
            match self.cursor.char() {
                None | Some('}') => break,
                Some(',') => {
                    self.cursor.index += 1;
                    continue;
                }
                Some(':') => self.cursor.index += 1,
                Some(_) => {}
            }
            let (key, key_start) = self.key(&mut members);
            let is_repeated = self.is_within(Context::Array) && members.contains_key(&key) && !is_object_value;
            if is_repeated && self.repeated_key_starts_an_object(key_start) {
                // The next object of the array lost its brace: it gets one, and this object ends before it.
                self.cursor.index = key_start.saturating_sub(1);
                self.cursor.splice(key_start, key_start, ['{']);
                break;
            }
            self.skip_space_and_comments();
            if matches!(self.cursor.char(), None | Some('}')) {
                continue;
            }
            // What stands here is the colon, or is lost with it.
            self.cursor.index += 1;
            let value = self.within(Context::ObjectValue, Self::member_value);
            members.insert(key, value);
            if matches!(self.cursor.char(), Some(',' | '\'' | '"')) {
                self.cursor.index += 1;
            }
            if self.cursor.char() == Some(']') && self.is_within(Context::Array) {
                self.cursor.index -= 1;
                break;
            }
        }
        members
    }

    fn member_value(&mut self) -> Value {
        self.skip_space_and_comments();
        if matches!(self.cursor.char(), Some(',' | '}')) { Value::from("") } else { self.value() }
    }

    /// The next key and where it starts.
    fn key(&mut self, members: &mut Map) -> (String, usize) {
        self.context.push(Context::ObjectKey);
        let mut key = String::new();
        let mut start = self.cursor.index;
        while let Some(ch) = self.cursor.char() {
            start = self.cursor.index;
            if ch == '[' && key.is_empty() && self.continue_array(members) {
                continue;
            }
            match self.string() {
                Value::Str(text) => key = text,
                _ => self.cursor.stop(RepairError::Hopeless),
            }
            if !key.is_empty() {
                break;
            }
            self.skip_space_and_comments();
            if matches!(self.cursor.char(), Some(':' | '}')) {
                break;
            }
        }
        self.context.pop();
        (key, start)
    }

    /// An array where a key should be goes on the array before it. Whether there was one.
    fn continue_array(&mut self, members: &mut Map) -> bool {
        let Some((key, Value::List(_))) = members.last() else { return false };
        if key.is_empty() {
            return false;
        }
        self.cursor.index += 1;
        let more = self.array(']');
        if let Some((_, Value::List(list))) = members.last_mut() {
            append_rows(list, more);
        }
        self.skip_space_and_comments();
        if self.cursor.char() == Some(',') {
            self.cursor.index += 1;
        }
        self.skip_space_and_comments();
        true
    }

    /// Whether a repeated key belongs to a further object: not if it is quoted, after a comma and before a colon.
    fn repeated_key_starts_an_object(&self, key_start: usize) -> bool {
        let before = self.cursor.last_visible_before(key_start);
        let is_quoted = self.cursor.slice(key_start, key_start + 1).first().is_some_and(|ch| is_quote(*ch));
        let next = self.cursor.scroll_space(0);
        !(is_quoted && before == Some(',') && self.cursor.at(next) == Some(':'))
    }

    /// Steps over a brace too many and, at the top level, takes in members that follow the object.
    fn complete(&mut self, mut members: Map) -> Value {
        if let Some(context) = self.current() {
            if self.cursor.char() == Some('}') && context == Context::Array {
                self.cursor.index += 1;
            }
            return members.into();
        }
        self.cursor.skip_space();
        if self.cursor.char() == Some(',') {
            self.cursor.index += 1;
            self.cursor.skip_space();
            if self.cursor.char().is_some_and(is_quote) {
                self.depth += 1;
                if self.depth > super::MAX_DEPTH {
                    self.cursor.stop(RepairError::TooDeep);
                } else if let Value::Map(more) = self.object() {
                    members.extend(more);
                }
                self.depth -= 1;
            }
        }
        members.into()
    }
}

/// Adds elements to a list; if the list holds rows of one length, they are rows too.
fn append_rows(list: &mut Vec<Value>, more: Vec<Value>) {
    let lengths: Vec<usize> = list.iter().filter_map(Value::as_list).map(<[Value]>::len).collect();
    let row_length = lengths.first().copied().filter(|first| *first > 0 && lengths.iter().all(|len| len == first));
    let Some(row_length) = row_length else {
        match <[Value; 1]>::try_from(more) {
            Ok([Value::List(inner)]) => list.extend(inner),
            Ok([only]) => list.push(only),
            Err(more) => list.extend(more),
        }
        return;
    };
    let rows = list.iter().rposition(|item| item.as_list().is_some()).map_or(0, |last| last + 1);
    let loose = list.split_off(rows);
    if !loose.is_empty() && loose.len().is_multiple_of(row_length) {
        list.extend(loose.chunks(row_length).map(|row| Value::List(row.to_vec())));
    } else {
        list.extend(loose);
    }
    if !more.is_empty() {
        if more.iter().all(|item| item.as_list().is_some()) {
            list.extend(more);
        } else {
            list.push(Value::List(more));
        }
    }
}

/// Space by Python's rule, for the callers of this folder.
pub(super) fn is_blank(chars: &[char]) -> bool {
    chars.iter().all(|ch| is_space(*ch))
}
