//! Numeric literals.

use num_bigint::BigInt;

use super::Reader;
use crate::value::Value;

/// Python reads no longer decimal integers (`sys.int_max_str_digits`).
const MAX_INTEGER_DIGITS: usize = 4300;

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Option<Value> {
        let start = self.at;
        while let Some(ch) = self.peek() {
            let after_exponent = matches!(self.chars.get(self.at.wrapping_sub(1)), Some('e' | 'E'));
            let is_hex = self.chars.get(start + 1).is_some_and(|ch| matches!(ch, 'x' | 'X'));
            let is_sign = matches!(ch, '+' | '-') && after_exponent && !is_hex && self.at > start;
            if !(ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.') || is_sign) {
                break;
            }
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect::<String>().to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                // An underscore may follow the prefix.
                let digits = without_underscores(digits.strip_prefix('_').unwrap_or(digits))?;
                return BigInt::parse_bytes(digits.as_bytes(), radix).map(Value::integer);
            }
        }
        decimal(&text)
    }
}

fn decimal(text: &str) -> Option<Value> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        let digits = without_underscores(text)?;
        let is_zero = digits.bytes().all(|byte| byte == b'0');
        if (digits.starts_with('0') && !is_zero) || digits.len() > MAX_INTEGER_DIGITS {
            return None;
        }
        return digits.parse().ok().map(Value::integer);
    }
    let (mantissa, exponent) = text.split_once('e').map_or((text, None), |(left, right)| (left, Some(right)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let parts = [Some(whole), Some(fraction), exponent.map(|digits| digits.trim_start_matches(['+', '-']))];
    for part in parts.into_iter().flatten() {
        let is_number = part.is_empty() || without_underscores(part)?.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return None;
        }
    }
    text.replace('_', "").parse().ok().map(Value::Float)
}

/// Underscores stand between digits, one at a time.
fn without_underscores(digits: &str) -> Option<String> {
    let is_misplaced = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!is_misplaced).then(|| digits.replace('_', ""))
}
