//! `ast.literal_eval`: Python's literals as values.
//!
//! Source: the documentation of `ast.literal_eval` and the lexical analysis chapter of the Python 3.11 reference.
//! Tuples and sets become lists, bytes become text; complex numbers and `...` are not read, as no field type holds them.

use num_bigint::BigInt;

use super::json::MAX_DEPTH;
use super::repr;
use crate::value::{Map, Value};

mod number;
mod string;

/// The value of a Python literal; `None` if the text is no literal.
#[must_use]
pub fn literal_eval(text: &str) -> Option<Value> {
    let chars: Vec<char> = text.trim_start_matches([' ', '\t']).chars().collect();
    if chars.contains(&'\0') {
        return None;
    }
    let mut reader = Reader { chars: &chars, at: 0, depth: 0, is_hashable: true };
    let value = reader.top_level()?;
    (reader.at == chars.len()).then_some(value)
}

pub(in crate::python) struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    /// How many brackets are open; inside them line ends are space.
    depth: usize,
    /// Whether the value read last may be in a set or a key: lists, dicts and sets may not.
    is_hashable: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, ch: char) -> bool {
        let found = self.peek() == Some(ch);
        self.at += usize::from(found);
        found
    }

    /// Skips blanks, escaped line ends and comments, inside brackets line ends too.
    fn space(&mut self) {
        while let Some(ch) = self.peek() {
            match ch {
                ' ' | '\t' | '\u{c}' => self.at += 1,
                '\n' | '\r' if self.depth > 0 => self.at += 1,
                '\\' if self.chars.get(self.at + 1) == Some(&'\n') && self.at + 2 < self.chars.len() => self.at += 2,
                '#' => self.comment(),
                _ => break,
            }
        }
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|ch| !matches!(ch, '\n' | '\r')) {
            self.at += 1;
        }
    }

    /// One value, or several between commas, which are a tuple; line ends and comments may follow.
    fn top_level(&mut self) -> Option<Value> {
        // Lines that are blank or comments may come first, but then the value must not be indented.
        while matches!(self.peek(), Some('\n' | '\r' | '#')) {
            self.comment();
            self.at += 1;
            let line = self.at;
            self.space();
            if self.at > line && self.peek().is_some_and(|ch| !matches!(ch, '\n' | '\r' | '#')) {
                return None;
            }
        }
        let first = self.value()?;
        self.space();
        let value = if self.peek() == Some(',') { Value::List(self.more(first)?) } else { first };
        while matches!(self.peek(), Some('\n' | '\r' | ' ' | '\t' | '\u{c}' | '#')) {
            self.space();
            while matches!(self.peek(), Some('\n' | '\r')) {
                self.at += 1;
            }
        }
        Some(value)
    }

    /// The rest of a tuple without parentheses.
    fn more(&mut self, first: Value) -> Option<Vec<Value>> {
        let mut items = vec![first];
        while self.eat(',') {
            self.space();
            if self.peek().is_none_or(|ch| matches!(ch, '\n' | '\r')) {
                break;
            }
            items.push(self.value()?);
            self.space();
        }
        Some(items)
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        self.is_hashable = true;
        match self.peek()? {
            '[' => {
                let list = self.bracketed(|reader| reader.items(']').map(Value::List));
                self.is_hashable = false;
                list
            }
            '(' => self.bracketed(Self::tuple),
            '{' => {
                let value = self.bracketed(Self::braces);
                self.is_hashable = false;
                value
            }
            '+' | '-' => self.signed(),
            ch if ch.is_ascii_digit() || ch == '.' => self.number(),
            '\'' | '"' => self.strings(),
            _ => self.word(),
        }
    }

    fn bracketed(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.at += 1;
        self.space();
        let value = read(self)?;
        self.depth -= 1;
        Some(value)
    }

    /// Values between commas up to the closing bracket.
    fn items(&mut self, close: char) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        let mut are_hashable = true;
        loop {
            self.space();
            if self.eat(close) {
                self.is_hashable = are_hashable;
                return Some(items);
            }
            items.push(self.value()?);
            are_hashable &= self.is_hashable;
            self.space();
            if !self.eat(',') && self.peek() != Some(close) {
                return None;
            }
        }
    }

    /// Parentheses around one value are nothing, around several or a comma they are a tuple.
    fn tuple(&mut self) -> Option<Value> {
        let items = self.items(')')?;
        let had_comma = {
            let before = self.chars[..self.at - 1].iter().rev();
            before.copied().find(|ch| !matches!(ch, ' ' | '\t' | '\n' | '\r' | '\u{c}')) == Some(',')
        };
        match <[Value; 1]>::try_from(items) {
            Ok([only]) if !had_comma => Some(only),
            Ok([only]) => Some(Value::List(vec![only])),
            Err(items) => Some(Value::List(items)),
        }
    }

    /// A dict or a set.
    fn braces(&mut self) -> Option<Value> {
        if self.eat('}') {
            return Some(Value::Map(Map::new()));
        }
        let first = self.value()?;
        if !self.is_hashable {
            return None;
        }
        self.space();
        if self.peek() == Some(':') {
            return self.members(first);
        }
        let mut items = vec![first];
        if self.eat(',') {
            items.extend(self.items('}')?);
        } else if !self.eat('}') {
            return None;
        }
        self.is_hashable.then_some(Value::List(items))
    }

    fn members(&mut self, first: Value) -> Option<Value> {
        let mut map = Map::new();
        let mut key = first;
        loop {
            self.space();
            if !self.eat(':') {
                return None;
            }
            let value = self.value()?;
            map.insert(repr::str(&key), value);
            self.space();
            if !self.eat(',') {
                return self.eat('}').then_some(Value::Map(map));
            }
            self.space();
            if self.eat('}') {
                return Some(Value::Map(map));
            }
            key = self.value()?;
            if !self.is_hashable {
                return None;
            }
        }
    }

    /// A number with signs before it.
    fn signed(&mut self) -> Option<Value> {
        let is_negative = self.peek() == Some('-');
        self.at += 1;
        self.space();
        // Of several signs Python's literals allow one only.
        let number = match self.peek()? {
            '.' | '0'..='9' => self.number()?,
            '(' => self.bracketed(Self::tuple)?,
            _ => return None,
        };
        Some(match number {
            Value::Int(_) | Value::BigInt(_) | Value::Float(_) if !is_negative => number,
            Value::Float(number) => Value::Float(-number),
            Value::Int(number) => Value::integer(-BigInt::from(number)),
            Value::BigInt(number) => Value::integer(-number),
            _ => return None,
        })
    }

    fn word(&mut self) -> Option<Value> {
        let rest = &self.chars[self.at..];
        let len = rest.iter().take_while(|ch| super::unicode::is_word(**ch)).count();
        let word: String = rest[..len].iter().collect();
        if matches!(rest.get(len), Some('\'' | '"')) {
            return self.strings();
        }
        self.at += len;
        match word.as_str() {
            "None" => Some(Value::Null),
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "set" => {
                self.space();
                let empty = self.eat('(') && {
                    self.space();
                    self.eat(')')
                };
                empty.then(|| Value::List(Vec::new()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_every_kind() {
        let cases = [
            ("0x1F", Value::Int(31)),
            ("  1_000", Value::Int(1000)),
            ("- 5 # five", Value::Int(-5)),
            ("'it\\'s' \"!\"", Value::from("it's!")),
            ("r'\\n'", Value::from("\\n")),
            ("1, 'a'", Value::from(vec![Value::from(1), Value::from("a")])),
            ("(1)", Value::Int(1)),
            ("(1,)", Value::from(vec![1])),
            ("()", Value::List(vec![])),
            ("None", Value::Null),
            (
                "{1: [True, {'a'}]}\n",
                Value::from(crate::map! { "1" => vec![Value::from(true), Value::from(vec!["a"])] }),
            ),
            (".5e1", Value::Float(5.0)),
        ];
        for (text, expected) in cases {
            assert_eq!(literal_eval(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_none() {
        for text in ["", "abc", "1 2", "01", "'a\nb'", "\n 1", "f'x'", "--1", "1__0", "[1,,2]", "{'a': }", "(,)", "1 +"]
        {
            assert_eq!(literal_eval(text), None, "{text:?}");
        }
        assert_eq!(literal_eval(&"(".repeat(100_000)), None);
    }
}
