//! Integers, floats and truth values, also out of text.

use num_bigint::BigInt;

use super::Invalid;
use super::union::Exactness;
use super::validate::{State, wanted};
use crate::python::float::to_integer;
use crate::value::Value;

/// Longer texts are no integers, as in Python (`sys.int_max_str_digits`).
const MAX_INTEGER_DIGITS: usize = 4300;

pub(super) fn integer(state: &mut State<'_>, value: &Value) -> Result<Value, Invalid> {
    if let Value::Int(_) | Value::BigInt(_) = value {
        return Ok(value.clone());
    }
    state.floor(Exactness::Lax);
    match value {
        Value::Bool(truth) => Ok(Value::Int(i64::from(*truth))),
        Value::Float(number) if !number.is_finite() => Err(wanted("a finite number", value)),
        Value::Float(number) => {
            // pydantic converts within 64 bits only, although its integers are longer.
            let whole = to_integer(*number).filter(|_| number.abs() < 9_223_372_036_854_775_808.0);
            whole.map(Value::integer).ok_or_else(|| wanted("an integer without a fraction", value))
        }
        Value::Str(text) => integer_text(text).map(Value::integer).ok_or_else(|| wanted("an integer", value)),
        _ => Err(wanted("an integer", value)),
    }
}

/// Trimmed, an optional sign, digits with single underscores between them, an optional fraction of zeros.
fn integer_text(text: &str) -> Option<BigInt> {
    let text = text.trim();
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if fraction.is_some_and(|zeros| zeros.is_empty() || !zeros.bytes().all(|byte| byte == b'0')) {
        return None;
    }
    let (sign, digits) = match whole.strip_prefix(['+', '-']) {
        Some(digits) => (whole.starts_with('-'), digits),
        None => (false, whole),
    };
    let digits = without_underscores(digits)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() > MAX_INTEGER_DIGITS {
        return None;
    }
    let magnitude: BigInt = digits.parse().ok()?;
    Some(if sign { -magnitude } else { magnitude })
}

pub(super) fn float(state: &mut State<'_>, value: &Value) -> Result<Value, Invalid> {
    let number = match value {
        Value::Float(_) => return Ok(value.clone()),
        Value::Int(number) => {
            state.floor(Exactness::Strict);
            return Ok(Value::Float(*number as f64));
        }
        Value::BigInt(number) => {
            state.floor(Exactness::Strict);
            number.to_string().parse().ok().filter(|float: &f64| float.is_finite())
        }
        Value::Bool(truth) => {
            state.floor(Exactness::Lax);
            Some(f64::from(*truth))
        }
        Value::Str(text) => {
            state.floor(Exactness::Lax);
            float_text(text)
        }
        _ => None,
    };
    number.map(Value::Float).ok_or_else(|| wanted("a number", value))
}

/// Trimmed; digits with single underscores between them, point, exponent, `inf`, `infinity`, `nan`.
fn float_text(text: &str) -> Option<f64> {
    without_underscores(text.trim())?.parse().ok()
}

/// The text without its underscores, which must stand between other characters and one at a time.
fn without_underscores(text: &str) -> Option<String> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    Some(text.replace('_', ""))
}

pub(super) fn boolean(state: &mut State<'_>, value: &Value) -> Result<Value, Invalid> {
    if let Value::Bool(_) = value {
        return Ok(value.clone());
    }
    state.floor(Exactness::Lax);
    let truth = match value {
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::Str(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    truth.map(Value::Bool).ok_or_else(|| wanted("a boolean", value))
}
