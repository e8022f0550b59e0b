//! Strings: with quotes of any kind, with one, with none, and with quotes inside.
//!
//! Whether a quote ends a string is decided by what stands around it; the files of this folder hold one such question
//! each.

use super::{Context, Parser};
use crate::python::unicode::is_space;
use crate::value::Value;

mod body;
mod brace;
mod comma;
mod entry;
mod escape;
mod inline;
mod members;
mod quote;

/// What is known of the string that is being read.
struct StringState {
    /// It began without a quote.
    missing_quotes: bool,
    /// It began with two quotes.
    doubled_quotes: bool,
    /// The quote it began with.
    left: char,
    /// The quote that ends it.
    right: char,
    /// How many low quotes („) are open inside.
    low_quotes: usize,
    /// Its characters so far.
    text: Vec<char>,
    /// A quote inside it has been kept whose partner is still to come.
    unmatched_quote: bool,
    /// A bracket that comes next opens a container that belongs to the text.
    expects_container: bool,
    /// The brackets open inside it.
    containers: Vec<char>,
    /// No further quote or bracket follows, so that commas need no look ahead.
    nothing_follows: bool,
    /// Braces opened inside it and not closed.
    open_braces: usize,
    /// Where in `text` a `[` was last left open.
    class_start: Option<usize>,
    /// Searches made: for what, from where, and where it was found.
    searches: Vec<(Vec<char>, usize, Option<usize>)>,
}

/// Stands for the quote that ends a low-quoted span, where only the outer one is asked for.
const LOW_QUOTED: char = '\0';

impl StringState {
    fn new() -> Self {
        Self {
            missing_quotes: false,
            doubled_quotes: false,
            left: '"',
            right: '"',
            low_quotes: 0,
            text: Vec::new(),
            unmatched_quote: false,
            expects_container: false,
            containers: Vec::new(),
            nothing_follows: false,
            open_braces: 0,
            class_start: None,
            searches: Vec::new(),
        }
    }

    fn active_right(&self) -> char {
        if self.low_quotes > 0 { LOW_QUOTED } else { self.right }
    }

    fn ends_with(&self, ch: char) -> bool {
        self.text.last() == Some(&ch)
    }

    fn push(&mut self, ch: char) {
        self.text.push(ch);
        match ch {
            '{' => self.open_braces += 1,
            '}' => self.open_braces = self.open_braces.saturating_sub(1),
            '[' => self.class_start = Some(self.text.len()),
            ']' => self.class_start = None,
            _ => {}
        }
    }

    /// Puts other characters in the place of the backslash at the end.
    fn replace_backslash(&mut self, with: impl IntoIterator<Item = char>) {
        self.text.pop();
        with.into_iter().for_each(|ch| self.push(ch));
    }

    fn trim_end(&mut self) {
        while self.text.last().is_some_and(|ch| is_space(*ch)) {
            self.text.pop();
        }
    }
}

impl Parser {
    /// The string that starts here or further on; a literal such as `true`, where one may stand, is that literal.
    pub(super) fn string(&mut self) -> Value {
        match self.string_entry() {
            Ok(mut state) => {
                let last = self.string_body(&mut state);
                Value::Str(self.string_end(state, last))
            }
            Err(value) => value,
        }
    }

    /// Steps over the closing quote, or cleans up after a string that has none.
    fn string_end(&mut self, mut state: StringState, last: Option<char>) -> String {
        let in_key = self.current() == Some(Context::ObjectKey);
        if state.missing_quotes && in_key && last.is_some_and(is_space) {
            self.cursor.skip_space();
            if !matches!(self.cursor.char(), Some(':' | ',')) {
                // Words of a comment rather than a key.
                return String::new();
            }
        }
        if last == Some(state.right) {
            self.cursor.index += 1;
        } else {
            state.trim_end();
        }
        if state.missing_quotes || state.ends_with('\n') {
            state.trim_end();
        }
        state.text.into_iter().collect()
    }

    /// Keeps the current character as text and steps on.
    fn keep(&mut self, state: &mut StringState, ch: char) -> Option<char> {
        state.push(ch);
        self.cursor.index += 1;
        self.cursor.char()
    }

    /// As `Cursor::skip_to`, remembering what has been found: a string asks the same question at many places.
    fn search(&self, state: &mut StringState, targets: &[char], offset: isize) -> isize {
        let start = self.cursor.index.saturating_add_signed(offset);
        let known = state.searches.iter_mut().find(|(known, _, _)| known == targets);
        match &known {
            Some((_, from, None)) if start >= *from => return self.cursor.end_offset(),
            Some((_, from, Some(found))) if (*from..=*found).contains(&start) => {
                return *found as isize - self.cursor.index as isize;
            }
            _ => {}
        }
        let found = self.cursor.skip_to(targets, offset);
        let position = self.cursor.index.saturating_add_signed(found);
        let answer = self.cursor.at(found).map(|_| position);
        let is_escaped = answer.is_some() && position > 0 && self.cursor.at(found - 1) == Some('\\');
        if !is_escaped {
            match known {
                Some(search) => *search = (targets.to_vec(), start, answer),
                None => state.searches.push((targets.to_vec(), start, answer)),
            }
        }
        found
    }

    /// Whether there is only space between the current character and an offset.
    fn is_space_until(&self, end: isize) -> bool {
        (1..end).all(|offset| self.cursor.at(offset).is_none_or(is_space))
    }
}
