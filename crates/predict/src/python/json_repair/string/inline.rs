//! Containers inside a string that belong to its text.

use super::StringState;
use super::members::matching_quote;
use crate::python::json_repair::cursor::is_quote;
use crate::python::json_repair::{Context, Parser};
use crate::python::unicode::{is_digit, is_space};

fn closer(open: char) -> Option<char> {
    match open {
        '[' => Some(']'),
        '{' => Some('}'),
        '(' => Some(')'),
        _ => None,
    }
}

impl Parser {
    /// Takes a whole balanced container as text, if one starts here that belongs to it; `Some` is the character after.
    pub(super) fn inline_container(&mut self, state: &mut StringState, ch: char) -> Option<Option<char>> {
        closer(ch)?;
        let is_object_in_text = || {
            self.current() == Some(Context::ObjectValue)
                && ch == '{'
                && self.cursor.at(-1) != Some('\\')
                && self.is_bare_key_with_colon(self.cursor.scroll_space(1))
        };
        if !(state.expects_container || is_object_in_text()) || state.ends_with('\\') {
            return None;
        }
        let end = self.skip_container(0)?;
        state.expects_container = false;
        state.containers.clear();
        let end = self.cursor.index.saturating_add_signed(end);
        for ch in self.cursor.slice(self.cursor.index, end).to_vec() {
            state.push(ch);
        }
        self.cursor.index = end;
        Some(self.cursor.char())
    }

    /// Follows the brackets of containers that have begun; whether the character closes one and is text.
    pub(super) fn tracks_container(&mut self, state: &mut StringState, ch: char) -> bool {
        if matches!(ch, '{' | '[') {
            if state.expects_container {
                state.containers.push(ch);
                state.expects_container = false;
                return false;
            }
            if !state.containers.is_empty() {
                state.containers.push(ch);
            }
        }
        let closes = matches!((state.containers.last(), ch), (Some('{'), '}') | (Some('['), ']'));
        if closes {
            state.containers.pop();
        }
        closes
    }

    /// The offset after the container at an offset; `None` if it is never closed.
    pub(super) fn skip_container(&self, start: isize) -> Option<isize> {
        let Some(close) = self.cursor.at(start).and_then(closer) else { return Some(start) };
        let mut closers = vec![close];
        let mut offset = start + 1;
        loop {
            let ch = self.cursor.at(offset)?;
            if is_quote(ch) {
                let end = matching_quote(ch);
                offset = self.cursor.skip_to(&[end], offset + 1);
                self.cursor.at(offset)?;
            } else if let Some(close) = closer(ch).filter(|_| self.nests_at(offset, ch)) {
                closers.push(close);
            } else if closers.last() == Some(&ch) {
                closers.pop();
                if closers.is_empty() {
                    return Some(offset + 1);
                }
            }
            offset += 1;
        }
    }

    /// Whether the bracket at an offset opens a container inside another rather than being text in it.
    fn nests_at(&self, offset: isize, open: char) -> bool {
        let mut before = offset - 1;
        while before >= 0 && self.cursor.at(before).is_some_and(is_space) {
            before -= 1;
        }
        let previous = if before < 0 { None } else { self.cursor.at(before) };
        match previous {
            None => return true,
            Some(ch) if closer(ch).is_some() => return true,
            Some(',' | ':') => {}
            Some(_) => return false,
        }
        let next_at = self.cursor.scroll_space(offset + 1);
        let next = self.cursor.at(next_at);
        if open == '{' {
            return next.is_some_and(|ch| ch == '}' || is_quote(ch))
                || (previous == Some(':') && self.is_bare_key_with_colon(next_at));
        }
        next.is_some_and(|ch| {
            is_quote(ch) || is_digit(ch) || closer(ch).is_some() || matches!(ch, ']' | ')' | '-' | 't' | 'f' | 'n')
        })
    }

    /// Whether the container that ends at an offset is followed by the end of the object or its next member.
    pub(super) fn next_member_follows_container(&self, end: isize) -> bool {
        let after = self.cursor.scroll_space(end);
        match self.cursor.at(after) {
            None | Some('}') => true,
            Some(',') => {
                let next = self.skip_comments_from(after + 1);
                matches!(self.cursor.at(next), None | Some('}')) || self.member_starts_at(next)
            }
            Some(_) => false,
        }
    }
}
