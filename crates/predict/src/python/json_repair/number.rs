//! Numbers, and what only starts like one.

use num_bigint::BigInt;

use super::{Context, Parser};
use crate::python::unicode::is_alpha;
use crate::value::Value;

/// Python reads no longer integers (`sys.int_max_str_digits`).
const MAX_INTEGER_DIGITS: usize = 4300;

impl Parser {
    /// A number; text if a letter follows or if the characters make none, as in `1,5` or `1/2`.
    pub(super) fn number(&mut self) -> Value {
        let start = self.cursor.index;
        let in_array = self.current() == Some(Context::Array);
        let mut written = String::new();
        while let Some(ch) = self.cursor.char() {
            let is_exponent_sign = ch == '+' && written.ends_with(['e', 'E']);
            let belongs = matches!(ch, '0'..='9' | '-' | '.' | 'e' | 'E' | '/' | ',' | '_') || is_exponent_sign;
            if !belongs || (in_array && ch == ',') {
                break;
            }
            if ch != '_' {
                written.push(ch);
            }
            self.cursor.index += 1;
        }
        if self.cursor.char().is_some_and(is_alpha) {
            self.cursor.index = start;
            return self.string();
        }
        if written.ends_with(['+', '-', 'e', 'E', '/', ',']) {
            written.pop();
            self.cursor.index -= 1;
        }
        if written.contains(',') {
            return Value::Str(written);
        }
        let number = if written.contains(['.', 'e', 'E']) {
            written.parse().ok().map(Value::Float)
        } else if written.len() <= MAX_INTEGER_DIGITS {
            written.parse::<BigInt>().ok().map(Value::integer)
        } else {
            None
        };
        number.unwrap_or(Value::Str(written))
    }
}
