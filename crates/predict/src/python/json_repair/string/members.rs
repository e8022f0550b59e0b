//! Whether an object's member starts at a place.

use crate::python::json_repair::Parser;
use crate::python::json_repair::cursor::is_quote;
use crate::python::unicode::is_alnum;

impl Parser {
    pub(super) fn starts_bare_key(&self, offset: isize) -> bool {
        self.cursor.at(offset).is_some_and(|ch| is_alnum(ch) || ch == '_')
    }

    /// The offset after a key without quotes.
    pub(super) fn skip_bare_key(&self, mut offset: isize) -> isize {
        while self.cursor.at(offset).is_some_and(|ch| is_alnum(ch) || matches!(ch, '_' | '-')) {
            offset += 1;
        }
        offset
    }

    /// Whether a key without quotes stands at an offset, with its colon.
    pub(super) fn is_bare_key_with_colon(&self, offset: isize) -> bool {
        self.starts_bare_key(offset) && {
            let after = self.cursor.scroll_space(self.skip_bare_key(offset));
            self.cursor.at(after) == Some(':')
        }
    }

    /// Whether a key stands at an offset, with or without quotes.
    pub(super) fn member_starts_at(&self, offset: isize) -> bool {
        match self.cursor.at(offset) {
            None | Some('}') => false,
            Some(quote) if is_quote(quote) => {
                let close_quote = matching_quote(quote);
                let close = self.cursor.skip_to(&[close_quote], offset + 1);
                if self.cursor.at(close) != Some(close_quote) {
                    return false;
                }
                let after = self.cursor.scroll_space(close + 1);
                self.cursor.at(after) == Some(':')
            }
            Some(_) => self.is_bare_key_with_colon(offset),
        }
    }

    /// Whether after the quote at an offset a comma and another member follow.
    pub(super) fn quoted_member_follows(&self, quote: isize) -> bool {
        let comma = self.cursor.scroll_space(quote + 1);
        self.cursor.at(comma) == Some(',') && self.member_starts_at(self.skip_comments_from(comma + 1))
    }

    /// The offset of what comes after space and comments.
    pub(super) fn skip_comments_from(&self, offset: isize) -> isize {
        let mut offset = self.cursor.scroll_space(offset);
        loop {
            match (self.cursor.at(offset), self.cursor.at(offset + 1)) {
                (Some('#'), _) | (Some('/'), Some('/')) => {
                    while self.cursor.at(offset).is_some_and(|ch| !matches!(ch, '\n' | '\r')) {
                        offset += 1;
                    }
                }
                (Some('/'), Some('*')) => {
                    offset += 2;
                    loop {
                        match (self.cursor.at(offset), self.cursor.at(offset + 1)) {
                            (None, _) => return offset,
                            (Some('*'), Some('/')) => break,
                            _ => offset += 1,
                        }
                    }
                    offset += 2;
                }
                _ => return offset,
            }
            offset = self.cursor.scroll_space(offset);
        }
    }
}

/// The quote that closes one that opens.
pub(super) fn matching_quote(quote: char) -> char {
    if quote == '“' { '”' } else { quote }
}
