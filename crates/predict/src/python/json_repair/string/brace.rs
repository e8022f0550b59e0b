//! Whether a closing brace inside an object's value ends the object.

use super::StringState;
use super::body::Step;
use crate::python::json_repair::Parser;

impl Parser {
    /// Whether the brace ends a string that lost its closing quote.
    pub(super) fn brace_ends_unclosed_string(&self, state: &mut StringState) -> bool {
        let is_escaped_next = self.cursor.at(1) == Some('\\');
        let quote = self.search(state, &[state.right], 1);
        if self.cursor.at(quote).is_none() {
            let colon = self.cursor.skip_to(&[':'], 1);
            if self.cursor.at(colon).is_some() {
                return true;
            }
            let next = self.cursor.scroll_space(1);
            let brace = self.cursor.skip_to(&['}'], next);
            return !is_escaped_next && brace - next <= 1;
        }
        let after = self.cursor.scroll_space(quote + 1);
        if matches!(self.cursor.at(after), None | Some(',' | '}')) {
            return false;
        }
        let open = self.cursor.skip_to(&[state.left], after);
        if self.cursor.at(open).is_none() {
            return false;
        }
        let after = self.cursor.scroll_space(open + 1);
        !is_escaped_next && self.cursor.at(after).is_none_or(|ch| ch == ':')
    }

    /// The brace before a code fence or before the end of the text.
    pub(super) fn brace_step(&mut self, state: &mut StringState, ch: char) -> Step {
        let next = self.cursor.scroll_space(1);
        match self.cursor.at(next) {
            None => Step::End(Some(ch)),
            Some('`') if self.cursor.at(next + 1) == Some('`') && self.cursor.at(next + 2) == Some('`') => {
                if self.fence_belongs_to_string(state, next) {
                    Step::Taken(self.keep(state, ch))
                } else {
                    Step::End(Some(ch))
                }
            }
            Some(_) => Step::Open,
        }
    }

    /// Whether a fence is part of the string's text rather than the wrapping of the whole: a quote that ends the string
    /// comes after it.
    fn fence_belongs_to_string(&self, state: &mut StringState, fence: isize) -> bool {
        let mut from = fence + 3;
        let content = self.skip_comments_from(from);
        let mut keeps_container = false;
        if matches!(self.cursor.at(content), Some('[' | '{' | '('))
            && let Some(end) = self.skip_container(content)
        {
            if self.next_member_follows_container(end) {
                return false;
            }
            keeps_container = true;
            from = end;
        }
        let right = state.right;
        let mut quote = self.cursor.skip_to(&[right], from);
        while self.cursor.at(quote) == Some(right) {
            let after = self.cursor.scroll_space(quote + 1);
            if matches!(self.cursor.at(after), Some(',' | '}' | ']') | None) {
                state.expects_container |= keeps_container;
                return true;
            }
            quote = self.cursor.skip_to(&[right], quote + 1);
        }
        false
    }
}
