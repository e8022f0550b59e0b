//! Parentheses: Python's tuples, grouped values, and prose.

use super::Parser;
use super::cursor::is_quote;
use crate::python::unicode::{is_digit, is_space};
use crate::value::Value;

/// What a walk through parentheses meets outside strings.
struct Nesting {
    parentheses: usize,
    squares: usize,
    braces: usize,
    quote: Option<char>,
    backslashes: usize,
}

/// Whether a character is part of a string.
enum Place {
    OpensString,
    InString,
    Outside,
}

impl Nesting {
    fn new() -> Self {
        Self { parentheses: 0, squares: 0, braces: 0, quote: None, backslashes: 0 }
    }

    fn is_outermost(&self) -> bool {
        self.parentheses == 0 && self.squares == 0 && self.braces == 0
    }

    /// Takes a character that may be part of a string.
    fn place(&mut self, ch: char) -> Place {
        if ch == '\\' {
            self.backslashes += 1;
            return Place::InString;
        }
        let is_escaped = self.backslashes % 2 == 1;
        self.backslashes = 0;
        match self.quote {
            Some(quote) => {
                if ch == quote && !is_escaped {
                    self.quote = None;
                }
                Place::InString
            }
            None if is_quote(ch) && !is_escaped => {
                self.quote = Some(ch);
                Place::OpensString
            }
            None => Place::Outside,
        }
    }

    /// Takes a bracket outside strings; the closing parenthesis of the outermost level is the caller's.
    fn bracket(&mut self, ch: char) {
        let (count, opens) = match ch {
            '(' | ')' => (&mut self.parentheses, ch == '('),
            '[' | ']' => (&mut self.squares, ch == '['),
            '{' | '}' => (&mut self.braces, ch == '{'),
            _ => return,
        };
        *count = if opens { *count + 1 } else { count.saturating_sub(1) };
    }
}

impl Parser {
    /// A tuple is a list; a single value in parentheses is that value.
    pub(super) fn parenthesized(&mut self) -> Value {
        let is_tuple = self.is_explicit_tuple();
        self.cursor.index += 1;
        let mut values = self.array(')');
        if is_tuple || values.len() != 1 { Value::List(values) } else { values.remove(0) }
    }

    /// Whether there is a comma at the outermost level, or nothing at all.
    fn is_explicit_tuple(&self) -> bool {
        let mut nesting = Nesting::new();
        let mut is_empty = true;
        let mut offset = 0;
        loop {
            offset += 1;
            let Some(ch) = self.cursor.at(offset) else { return is_empty };
            match nesting.place(ch) {
                Place::InString => continue,
                Place::OpensString => {
                    is_empty &= !nesting.is_outermost();
                    continue;
                }
                Place::Outside => {}
            }
            let is_outermost = nesting.is_outermost();
            match ch {
                ')' if is_outermost => return is_empty,
                ',' if is_outermost => return true,
                _ if is_outermost && !is_space(ch) && ch != ',' => is_empty = false,
                _ => {}
            }
            nesting.bracket(ch);
        }
    }

    /// Whether a parenthesis at the top level looks like a value of its own rather than like prose: it starts a line,
    /// something like a value is in it, and after it the line ends.
    pub(super) fn parenthesis_starts_value(&self) -> bool {
        let mut before = 0;
        loop {
            before -= 1;
            match self.cursor.index.checked_add_signed(before).and_then(|_| self.cursor.at(before)) {
                None | Some('\n' | '\r') => break,
                Some(ch) if is_space(ch) => {}
                Some(_) => return false,
            }
        }
        self.holds_something_like_a_value() && self.ends_its_line()
    }

    fn holds_something_like_a_value(&self) -> bool {
        let inner = self.cursor.scroll_space(1);
        let Some(first) = self.cursor.at(inner) else { return false };
        if matches!(first, ')' | '{' | '[' | '(' | '-' | '.') || is_quote(first) || is_digit(first) {
            return true;
        }
        let ahead = (0..5).map_while(|offset| self.cursor.at(inner + offset));
        let ahead: String = ahead.flat_map(char::to_lowercase).collect();
        ["true", "null", "none", "false"].iter().any(|word| ahead.starts_with(word))
    }

    fn ends_its_line(&self) -> bool {
        let mut nesting = Nesting::new();
        let mut offset = 0;
        loop {
            offset += 1;
            let Some(ch) = self.cursor.at(offset) else { return true };
            if !matches!(nesting.place(ch), Place::Outside) {
                continue;
            }
            if ch == ')' && nesting.is_outermost() {
                break;
            }
            nesting.bracket(ch);
        }
        loop {
            offset += 1;
            match self.cursor.at(offset) {
                None | Some('\n' | '\r') => return true,
                Some(ch) if is_space(ch) => {}
                Some(_) => return false,
            }
        }
    }
}
