//! Whether a quote that could end the string does.

use super::StringState;
use super::body::Step;
use crate::python::json_repair::{Context, Parser};
use crate::python::unicode::is_alpha;

impl Parser {
    /// Looks at a quote that comes after text.
    pub(super) fn right_quote(&mut self, state: &mut StringState, ch: char) -> Step {
        if state.doubled_quotes && self.cursor.at(1) == Some(state.right) {
            self.cursor.index += 1;
            return Step::Taken(Some(ch));
        }
        if state.missing_quotes && self.current() == Some(Context::ObjectValue) {
            return self.quote_of_next_key(state);
        }
        if state.unmatched_quote {
            state.unmatched_quote = false;
            return Step::Taken(self.keep(state, ch));
        }
        let (offset, next) = self.next_landmark(state);
        match next {
            Some(',') if self.current() == Some(Context::ObjectValue) => {
                let quote = self.cursor.skip_to(&[state.right], offset + 1);
                let after = self.cursor.scroll_space(quote + 1);
                match self.cursor.at(after) {
                    Some('}' | ',') => Step::Taken(self.keep(state, ch)),
                    _ => Step::Open,
                }
            }
            Some(quote) if quote == state.right && self.cursor.at(offset - 1) != Some('\\') => {
                self.another_quote(state, ch, offset)
            }
            _ => Step::Open,
        }
    }

    /// In a value without quotes, a quote may be that of the next key.
    fn quote_of_next_key(&mut self, state: &StringState) -> Step {
        let close = self.next_quote(state, 1);
        if self.cursor.at(close).is_some() {
            let after = self.cursor.scroll_space(close + 1);
            if self.cursor.at(after) == Some(':') {
                self.cursor.index -= 1;
                return Step::End(self.cursor.char());
            }
        }
        Step::Open
    }

    fn next_quote(&self, state: &StringState, mut offset: isize) -> isize {
        while self.cursor.at(offset).is_some_and(|ch| ch != state.right && ch != state.left) {
            offset += 1;
        }
        offset
    }

    /// The next quote, or before it a character that ends a string in these surroundings.
    fn next_landmark(&self, state: &StringState) -> (isize, Option<char>) {
        let (in_key, in_value, in_array) =
            (self.is_within(Context::ObjectKey), self.is_within(Context::ObjectValue), self.is_within(Context::Array));
        let is_value = self.current() == Some(Context::ObjectValue);
        let mut commas_count = true;
        let mut offset = 1;
        loop {
            let next = self.cursor.at(offset);
            let Some(ch) = next.filter(|ch| *ch != state.right && *ch != state.left) else { return (offset, next) };
            commas_count &= !is_alpha(ch);
            let ends = (in_key && matches!(ch, ':' | '}'))
                || (in_value && ch == '}')
                || (in_array && matches!(ch, ']' | ','))
                || (commas_count && is_value && ch == ',');
            if ends {
                return (offset, next);
            }
            offset += 1;
        }
    }

    /// Another quote follows at an offset: together the two may be a quoted span inside the text.
    fn another_quote(&mut self, state: &mut StringState, ch: char, offset: isize) -> Step {
        let is_value = self.current() == Some(Context::ObjectValue);
        if self.is_space_until(offset) && !(is_value && self.quoted_member_follows(offset)) {
            return Step::End(Some(ch));
        }
        match self.current() {
            Some(Context::ObjectValue) => self.span_in_value(state, ch, offset),
            Some(Context::Array) => {
                if self.quotes_pair_up(state.right, offset) {
                    state.unmatched_quote = !state.unmatched_quote;
                    Step::Taken(self.keep(state, ch))
                } else {
                    Step::End(Some(ch))
                }
            }
            Some(Context::ObjectKey) => Step::Taken(self.keep(state, ch)),
            None => Step::Open,
        }
    }

    /// In a value: the quote is text unless the one that follows begins the next key.
    fn span_in_value(&mut self, state: &mut StringState, ch: char, offset: isize) -> Step {
        if self.quoted_member_follows(offset) {
            return Step::Taken(self.keep(state, ch));
        }
        let mut offset = self.cursor.skip_to(&[state.right], offset + 1) + 1;
        let mut next = self.cursor.at(offset);
        while let Some(following) = next.filter(|ch| *ch != ':') {
            let is_quote = following == state.right && self.cursor.at(offset - 1) != Some('\\');
            if matches!(following, ',' | ']' | '}') || is_quote {
                break;
            }
            offset += 1;
            next = self.cursor.at(offset);
        }
        if next == Some(':') {
            return Step::Open;
        }
        state.unmatched_quote = !state.unmatched_quote;
        Step::Taken(self.keep(state, ch))
    }

    /// In an array: whether the quotes from here to the closing bracket come in pairs.
    fn quotes_pair_up(&self, right: char, mut offset: isize) -> bool {
        loop {
            offset = self.cursor.skip_to(&[right, ']'], offset + 1);
            if self.cursor.at(offset) != Some(right) {
                return false;
            }
            offset = self.cursor.skip_to(&[right, ']'], offset + 1);
            if self.cursor.at(offset) != Some(right) {
                return true;
            }
        }
    }
}
