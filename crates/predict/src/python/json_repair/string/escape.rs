//! Backslashes, those that escape something and those that stray.

use super::StringState;
use crate::python::json_repair::Parser;
use crate::python::json_repair::cursor::is_quote;

impl Parser {
    /// Resolves the backslash that was read last with the character after it. `Some` is the character to go on with;
    /// `None` means that the backslash is text.
    pub(super) fn escape(&mut self, state: &mut StringState, ch: char) -> Option<Option<char>> {
        let right = state.active_right();
        if state.low_quotes > 0 && ch == '"' {
            state.low_quotes -= 1;
            return Some(self.replace_escape(state, ch));
        }
        if ch == '\\'
            && let Some(next) = self.backslash_run(state, right)
        {
            return Some(next);
        }
        if ch == right || matches!(ch, 't' | 'n' | 'r' | 'b' | '\\') {
            return Some(self.known_escape(state, ch, right));
        }
        match ch {
            'u' => self.code_escape(state, 4),
            'x' => self.code_escape(state, 2),
            _ if ch == '„' || (is_quote(ch) && ch != right) => Some(self.replace_escape(state, ch)),
            _ => None,
        }
    }

    fn replace_escape(&mut self, state: &mut StringState, ch: char) -> Option<char> {
        state.replace_backslash([ch]);
        self.cursor.index += 1;
        self.cursor.char()
    }

    /// An even run of backslashes is half as many, unless a quote that goes on with the string follows it.
    fn backslash_run(&mut self, state: &mut StringState, right: char) -> Option<Option<char>> {
        let mut end = 1;
        while self.cursor.at(end) == Some('\\') {
            end += 1;
        }
        let run = end as usize + 1;
        let next = self.cursor.at(end);
        let after_quote = self.cursor.at(self.cursor.scroll_space(end + 1));
        let closes = matches!(after_quote, Some(',' | ':' | '}' | ']') | None);
        if run.is_multiple_of(2) && (next != Some(right) || closes) {
            state.replace_backslash(std::iter::repeat_n('\\', run / 2));
            self.cursor.index = self.cursor.index.saturating_add_signed(end);
            return Some(self.cursor.char());
        }
        None
    }

    fn known_escape(&mut self, state: &mut StringState, ch: char, right: char) -> Option<char> {
        let meaning = match ch {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'b' => '\u{8}',
            other => other,
        };
        state.replace_backslash([meaning]);
        self.cursor.index += 1;
        let mut next = self.cursor.char();
        while let Some(following) = next.filter(|ch| state.ends_with('\\') && (*ch == right || *ch == '\\')) {
            state.replace_backslash([following]);
            self.cursor.index += 1;
            next = self.cursor.char();
        }
        next
    }

    /// `\xHH` or `\uHHHH`. Of two `\u` that are a surrogate pair one character is made, which the original leaves in
    /// halves that Rust's text cannot hold.
    fn code_escape(&mut self, state: &mut StringState, digits: usize) -> Option<Option<char>> {
        let code = self.hex(self.cursor.index + 1, digits)?;
        self.cursor.index += 1 + digits;
        let mut ch = char::from_u32(code);
        if (0xd800..0xdc00).contains(&code)
            && self.cursor.slice(self.cursor.index, self.cursor.index + 2) == ['\\', 'u']
            && let Some(low @ 0xdc00..=0xdfff) = self.hex(self.cursor.index + 2, 4)
        {
            self.cursor.index += 6;
            ch = char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        }
        state.replace_backslash([ch.unwrap_or(char::REPLACEMENT_CHARACTER)]);
        Some(self.cursor.char())
    }

    fn hex(&self, start: usize, digits: usize) -> Option<u32> {
        let written = self.cursor.slice(start, start + digits);
        if written.len() < digits {
            return None;
        }
        written.iter().try_fold(0, |code, ch| Some(code * 16 + ch.to_digit(16)?))
    }
}
