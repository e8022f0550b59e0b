//! String literals, adjacent ones joined.

use super::Reader;
use crate::value::Value;

impl Reader<'_> {
    /// One or more string literals in a row.
    pub(super) fn strings(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut are_bytes = None;
        loop {
            // Text and bytes do not join.
            let is_bytes = self.string(&mut text)?;
            if are_bytes.is_some_and(|others| others != is_bytes) {
                return None;
            }
            are_bytes = Some(is_bytes);
            self.space();
            let rest = &self.chars[self.at..];
            let prefix = rest.iter().take(3).take_while(|ch| ch.is_ascii_alphabetic()).count();
            if !matches!(rest.get(prefix), Some('\'' | '"')) {
                return Some(Value::Str(text));
            }
        }
    }

    /// Reads one literal; gives whether it is one of bytes.
    fn string(&mut self, text: &mut String) -> Option<bool> {
        let mut prefix = String::new();
        while let Some(ch) = self.peek().filter(char::is_ascii_alphabetic) {
            prefix.push(ch.to_ascii_lowercase());
            self.at += 1;
        }
        let is_raw = match prefix.as_str() {
            "" | "u" | "b" => false,
            "r" | "br" | "rb" => true,
            _ => return None,
        };
        let quote = self.peek().filter(|ch| matches!(ch, '\'' | '"'))?;
        let is_triple = self.chars[self.at..].starts_with(&[quote; 3]);
        let close = if is_triple { vec![quote; 3] } else { vec![quote] };
        self.at += close.len();
        loop {
            let rest = &self.chars[self.at..];
            if rest.starts_with(&close) {
                self.at += close.len();
                return Some(prefix.contains('b'));
            }
            match *rest.first()? {
                '\n' | '\r' if !is_triple => return None,
                '\\' if is_raw => {
                    text.push('\\');
                    text.push(*rest.get(1)?);
                    self.at += 2;
                }
                '\\' => self.escape(text)?,
                ch => {
                    text.push(ch);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let ch = *self.chars.get(self.at + 1)?;
        self.at += 2;
        let plain = match ch {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => ch,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.code(16, 2, 2)?,
            'u' => self.code(16, 4, 4)?,
            'U' => self.code(16, 8, 8)?,
            '0'..='7' => {
                self.at -= 1;
                self.code(8, 1, 3)?
            }
            // Characters by name would need the table of their names.
            'N' => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(plain);
        Some(())
    }

    /// A character by the digits of its code.
    fn code(&mut self, radix: u32, min: usize, max: usize) -> Option<char> {
        let rest = &self.chars[self.at..];
        let len = rest.iter().take(max).take_while(|ch| ch.is_digit(radix)).count();
        let code = rest[..len].iter().fold(0, |code, ch| code * radix + ch.to_digit(radix).unwrap_or(0));
        self.at += len;
        // A lone surrogate is text in Python; Rust's text cannot hold it.
        let ch = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        (len >= min).then_some(ch)
    }
}
