//! What a comma means inside an object's value that has no closing quote yet.

use super::StringState;
use crate::python::json_repair::Parser;
use crate::python::json_repair::cursor::{QUOTES, is_quote};
use crate::python::unicode::{is_digit, is_space};

/// The meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comma {
    /// The next member follows.
    Member,
    /// A container that belongs to the text follows.
    Container,
    /// It is text.
    Text,
    /// It is text, and so is every further comma.
    TextToTheEnd,
}

impl Parser {
    pub(super) fn classify_comma(&self, state: &mut StringState) -> Comma {
        let next_at = self.cursor.scroll_space(1);
        let Some(next) = self.cursor.at(next_at) else { return Comma::Member };
        match next {
            '}' => return Comma::Member,
            _ if is_quote(next) => {
                let close = self.cursor.skip_to(&[next], next_at + 1);
                return self.member_if_colon_after(close);
            }
            '`' => {
                let after = self.cursor.scroll_space(self.skip_bare_key(next_at + 1));
                return if self.cursor.at(after) == Some(':') { Comma::Member } else { Comma::Text };
            }
            _ => {}
        }
        if self.starts_bare_key(next_at) {
            let after = self.cursor.scroll_space(self.skip_bare_key(next_at));
            if self.cursor.at(after) == Some(':') && self.value_can_be_recovered(state, after + 1) {
                return Comma::Member;
            }
        }
        if matches!(next, '{' | '[') {
            return Comma::Container;
        }
        let special_at = self.search(state, &with_quotes(&['{', '[']), next_at);
        match self.cursor.at(special_at) {
            None => Comma::TextToTheEnd,
            Some('{' | '[') => Comma::Text,
            Some(quote) => {
                let close = self.search(state, &[quote], special_at + 1);
                self.member_if_colon_after(close)
            }
        }
    }

    fn member_if_colon_after(&self, close: isize) -> Comma {
        if self.cursor.at(close).is_none() {
            return Comma::Text;
        }
        let after = self.cursor.scroll_space(close + 1);
        if self.cursor.at(after) == Some(':') { Comma::Member } else { Comma::Text }
    }

    /// Whether the value after a key without quotes can be told from prose.
    fn value_can_be_recovered(&self, state: &mut StringState, offset: isize) -> bool {
        let start = self.cursor.scroll_space(offset);
        if self.cursor.at(start).is_some_and(|ch| is_quote(ch) || matches!(ch, '{' | '[' | '-') || is_digit(ch)) {
            return true;
        }
        for word in ["true", "false", "null"] {
            let is_here = (start..).zip(word.chars()).all(|(at, expected)| self.cursor.at(at) == Some(expected));
            let end = self.cursor.at(start + word.len() as isize);
            if is_here && end.is_none_or(|ch| is_space(ch) || matches!(ch, ',' | '}' | ']')) {
                return true;
            }
        }
        // Its object has to close before the string can.
        let end = self.search(state, &with_quotes(&['}']), start);
        self.cursor.at(end) == Some('}')
    }
}

fn with_quotes(others: &[char]) -> Vec<char> {
    [&QUOTES, others].concat()
}
