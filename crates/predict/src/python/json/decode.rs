//! The strict decoder, `json.loads` and `JSONDecoder.raw_decode`.

use num_bigint::BigInt;
use thiserror::Error;

use crate::value::{Map, Value};

/// How deep values may nest. CPython gives up near its recursion limit of 1000. Here a level costs up to 3 kB of stack
/// where it is most (reading a recursive model inside a union), and wasmtime gives an instance 512 kB.
pub const MAX_DEPTH: usize = 100;

/// Python refuses longer integers (`sys.int_max_str_digits`), which bounds the quadratic cost of reading them.
const MAX_INTEGER_DIGITS: usize = 4300;

/// Text that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Something else stands where JSON has to.
    #[error("not JSON at character {0}")]
    Syntax(usize),
    /// It nests deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An integer has more digits than Python reads.
    #[error("an integer has more than {MAX_INTEGER_DIGITS} digits")]
    TooLong,
}

/// Reads a text that is one JSON value and nothing else but white space.
///
/// # Errors
/// When it is anything else.
pub fn loads(text: &str) -> Result<Value, DecodeError> {
    let chars: Vec<char> = text.chars().collect();
    let start = skip_space(&chars, 0);
    let (value, end) = raw_decode(&chars, start)?;
    let end = skip_space(&chars, end);
    if end == chars.len() { Ok(value) } else { Err(DecodeError::Syntax(end)) }
}

/// Reads the JSON value that starts exactly at `start`; gives it with the position after it.
///
/// # Errors
/// When there is none.
pub fn raw_decode(chars: &[char], start: usize) -> Result<(Value, usize), DecodeError> {
    let mut decoder = Decoder { chars, at: start, depth: 0 };
    let value = decoder.value()?;
    Ok((value, decoder.at))
}

fn skip_space(chars: &[char], mut at: usize) -> usize {
    while chars.get(at).is_some_and(|ch| matches!(ch, ' ' | '\t' | '\n' | '\r')) {
        at += 1;
    }
    at
}

struct Decoder<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Decoder<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        self.at = skip_space(self.chars, self.at);
    }

    fn syntax<T>(&self) -> Result<T, DecodeError> {
        Err(DecodeError::Syntax(self.at))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, DecodeError> {
        let len = word.len();
        let found = self.chars.get(self.at..self.at + len).is_some_and(|found| found.iter().copied().eq(word.chars()));
        if !found {
            return self.syntax();
        }
        self.at += len;
        Ok(value)
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        match self.peek() {
            Some('"') => Ok(Value::Str(self.string()?)),
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('n') => self.word("null", Value::Null),
            Some('t') => self.word("true", Value::Bool(true)),
            Some('f') => self.word("false", Value::Bool(false)),
            Some('N') => self.word("NaN", Value::Float(f64::NAN)),
            Some('I') => self.word("Infinity", Value::Float(f64::INFINITY)),
            Some('-') if self.chars.get(self.at + 1) == Some(&'I') => {
                self.word("-Infinity", Value::Float(f64::NEG_INFINITY))
            }
            Some('-' | '0'..='9') => self.number(),
            _ => self.syntax(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, DecodeError>) -> Result<Value, DecodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.at += 1;
        self.space();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, DecodeError> {
        let mut items = Vec::new();
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => break,
                _ => return self.syntax(),
            }
            self.space();
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn object(&mut self) -> Result<Value, DecodeError> {
        let mut members = Map::new();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(Value::Map(members));
        }
        loop {
            if self.peek() != Some('"') {
                return self.syntax();
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(':') {
                return self.syntax();
            }
            self.at += 1;
            self.space();
            let value = self.value()?;
            members.insert(key, value);
            self.space();
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => break,
                _ => return self.syntax(),
            }
            self.space();
        }
        self.at += 1;
        Ok(Value::Map(members))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|ch| ch.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// `-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?`, the longest start of the text that fits.
    fn number(&mut self) -> Result<Value, DecodeError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some('-'));
        if self.peek() == Some('0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return self.syntax();
        }
        let integer_end = self.at;
        self.fraction();
        self.exponent();
        let text: String = self.chars[start..self.at].iter().collect();
        if self.at > integer_end {
            return text.parse().map(Value::Float).or_else(|_| self.syntax());
        }
        if text.trim_start_matches('-').len() > MAX_INTEGER_DIGITS {
            return Err(DecodeError::TooLong);
        }
        text.parse::<BigInt>().map(Value::integer).or_else(|_| self.syntax())
    }

    fn fraction(&mut self) {
        let start = self.at;
        if self.peek() == Some('.') {
            self.at += 1;
            if self.digits() == 0 {
                self.at = start;
            }
        }
    }

    fn exponent(&mut self) {
        let start = self.at;
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some('+' | '-')));
            if self.digits() == 0 {
                self.at = start;
            }
        }
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(ch) = self.peek() else { return self.syntax() };
            match ch {
                '"' => break,
                '\\' => text.push(self.escape()?),
                '\0'..='\u{1f}' => return self.syntax(),
                _ => {
                    text.push(ch);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, DecodeError> {
        let escaped = match self.chars.get(self.at + 1) {
            Some('u') => return self.unicode_escape(),
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(ch @ ('"' | '\\' | '/')) => *ch,
            _ => return self.syntax(),
        };
        self.at += 2;
        Ok(escaped)
    }

    /// `\uXXXX`, or two of them that are a surrogate pair. Python keeps a lone surrogate; Rust's text cannot hold one,
    /// so that it becomes U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, DecodeError> {
        let Some(first) = self.hex4(self.at + 2) else { return self.syntax() };
        self.at += 6;
        if (0xd800..0xdc00).contains(&first)
            && self.chars.get(self.at..self.at + 2) == Some(&['\\', 'u'])
            && let Some(second @ 0xdc00..=0xdfff) = self.hex4(self.at + 2)
        {
            self.at += 6;
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.chars.get(at..at + 4)?;
        digits.iter().try_fold(0, |code, ch| Some(code * 16 + ch.to_digit(16)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn scalars_and_their_python_extras() {
        assert_eq!(
            loads(" [1, 1.0, -0, 1e3, 10000000000000000000000] ").unwrap(),
            Value::from(vec![
                Value::Int(1),
                Value::Float(1.0),
                Value::Int(0),
                Value::Float(1000.0),
                Value::integer("10000000000000000000000".parse().unwrap()),
            ])
        );
        assert!(matches!(loads("NaN"), Ok(Value::Float(number)) if number.is_nan()));
        assert_eq!(loads("-Infinity"), Ok(Value::Float(f64::NEG_INFINITY)));
    }

    #[test]
    fn the_last_of_equal_keys_wins_in_the_place_of_the_first() {
        let value = loads(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
        assert_eq!(value, Value::from(map! { "a" => 3, "b" => 2 }));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in ["", "01", "1.", ".5", "+1", "{'a': 1}", "[1,]", "\"a\nb\"", "[1] x", "\u{feff}1", "nul", "\"\\x\""]
        {
            assert!(loads(text).is_err(), "{text:?}");
        }
        assert_eq!(loads(&"[".repeat(100_000)), Err(DecodeError::TooDeep));
        assert_eq!(loads(&"1".repeat(4301)), Err(DecodeError::TooLong));
    }

    #[test]
    fn surrogate_pairs_join() {
        assert_eq!(loads(r#""\ud83d\ude00\u00e9\ud83d""#), Ok(Value::from("😀é\u{fffd}")));
    }
}
