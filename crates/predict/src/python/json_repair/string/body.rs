//! The characters of a string, each of which may be its end.

use super::StringState;
use super::comma::Comma;
use crate::python::json_repair::{Context, Parser};
use crate::python::unicode::is_space;

/// What a look at one character comes to.
pub(super) enum Step {
    /// The character has been dealt with; this one is next.
    Taken(Option<char>),
    /// The string ends before the character.
    End(Option<char>),
    /// Nothing has been decided.
    Open,
}

impl Parser {
    /// Reads the text up to its end; gives the character there.
    pub(super) fn string_body(&mut self, state: &mut StringState) -> Option<char> {
        let mut next = self.cursor.char();
        while let Some(ch) = next {
            if ch == state.right && state.low_quotes == 0 {
                break;
            }
            next = match self.string_step(state, ch) {
                Step::Taken(following) => following,
                Step::End(last) => return last,
                Step::Open => match self.take_and_look(state, ch) {
                    Step::Taken(following) => following,
                    Step::End(last) => return last,
                    Step::Open => self.cursor.char(),
                },
            };
        }
        next
    }

    /// Everything that may make a character more than a character.
    fn string_step(&mut self, state: &mut StringState, ch: char) -> Step {
        if self.ends_without_quotes(state, ch) {
            return Step::End(Some(ch));
        }
        let is_low_quote = ch == '„' && !state.ends_with('\\');
        if is_low_quote || (state.low_quotes > 0 && ch == '”') {
            state.low_quotes = if is_low_quote { state.low_quotes + 1 } else { state.low_quotes - 1 };
            return Step::Taken(self.keep(state, ch));
        }
        if let Some(following) = self.inline_container(state, ch) {
            return Step::Taken(following);
        }
        let in_value = self.current() == Some(Context::ObjectValue);
        if in_value && ch == ',' && !state.expects_container && state.containers.is_empty() {
            return self.comma_step(state);
        }
        if self.tracks_container(state, ch) {
            return Step::Taken(self.keep(state, ch));
        }
        if in_value && ch == '}' && !state.ends_with(state.right) {
            if state.open_braces > 0 {
                return Step::Taken(self.keep(state, ch));
            }
            if self.brace_ends_unclosed_string(state) {
                return Step::End(Some(ch));
            }
        }
        if ch == ']' && self.is_within(Context::Array) && !state.ends_with(state.right) {
            let quote = self.cursor.skip_to(&[state.right], 0);
            if self.cursor.at(quote).is_none() {
                return Step::End(Some(ch));
            }
        }
        if in_value && ch == '}' { self.brace_step(state, ch) } else { Step::Open }
    }

    fn ends_without_quotes(&self, state: &StringState, ch: char) -> bool {
        state.missing_quotes
            && match self.current() {
                Some(Context::ObjectKey) => ch == ':' || is_space(ch),
                Some(Context::Array) => matches!(ch, ']' | ','),
                _ => false,
            }
    }

    fn comma_step(&mut self, state: &mut StringState) -> Step {
        let comma = if state.nothing_follows { Comma::Text } else { self.classify_comma(state) };
        match comma {
            Comma::Member => return Step::End(Some(',')),
            Comma::TextToTheEnd => state.nothing_follows = true,
            Comma::Text | Comma::Container => {}
        }
        state.expects_container = matches!(comma, Comma::Container);
        Step::Taken(self.keep(state, ','))
    }

    /// Takes the character as text, then looks whether the next one is escaped, a colon or a quote that matters.
    fn take_and_look(&mut self, state: &mut StringState, ch: char) -> Step {
        let Some(mut next) = self.keep(state, ch) else { return Step::End(None) };
        if state.ends_with('\\')
            && let Some(following) = self.escape(state, next)
        {
            return Step::Taken(following);
        }
        if next == ':' && !state.missing_quotes && self.colon_ends_key(state) {
            return Step::End(Some(next));
        }
        if state.low_quotes > 0 && next == '"' {
            state.low_quotes -= 1;
            return Step::Taken(self.keep(state, next));
        }
        let is_right = next == state.right;
        if is_right && self.current() == Some(Context::ObjectValue) && self.is_in_character_class(state) {
            return Step::Taken(self.keep(state, next));
        }
        if is_right && !state.text.is_empty() && !state.ends_with('\\') {
            match self.right_quote(state, next) {
                Step::Open => {}
                step => return step,
            }
            next = self.cursor.char().unwrap_or(next);
        }
        Step::Taken(Some(next))
    }

    /// Whether a key that was never closed ends at this colon.
    fn colon_ends_key(&self, state: &StringState) -> bool {
        if self.current() != Some(Context::ObjectKey) {
            return false;
        }
        let open = self.cursor.skip_to(&[state.left], 1);
        if self.cursor.at(open).is_none() {
            return true;
        }
        let close = self.cursor.skip_to(&[state.right], open + 1);
        if self.cursor.at(close).is_none() {
            return false;
        }
        let after = self.cursor.scroll_space(close + 1);
        matches!(self.cursor.at(after), Some(',' | '}'))
    }

    /// Whether the quote stands in a `[...]` without space, as in a regular expression.
    fn is_in_character_class(&self, state: &StringState) -> bool {
        let Some(start) = state.class_start else { return false };
        if state.text[start..].iter().any(|ch| is_space(*ch)) {
            return false;
        }
        let close = self.cursor.skip_to(&[']'], 1);
        self.cursor.at(close) == Some(']')
    }
}
