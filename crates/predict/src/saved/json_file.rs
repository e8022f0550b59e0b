//! JSON as DSPy's files hold it: what the Python library `orjson` writes with an indent of two.

use crate::python::{float, json};
use crate::value::Value;

/// Reads a file as the library does: what is no number is refused, integers of more than 64 bits become floats.
pub(super) fn read(file: &str) -> Result<Value, String> {
    let mut value = json::loads(file).map_err(|error| error.to_string())?;
    if as_read(&mut value) { Ok(value) } else { Err("not JSON: a number is not finite".into()) }
}

/// Says whether all numbers are.
fn as_read(value: &mut Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::BigInt(number) => {
            if u64::try_from(&*number).is_err() {
                *value = Value::Float(number.to_string().parse().unwrap_or(f64::INFINITY));
            }
            true
        }
        Value::List(items) => items.iter_mut().all(as_read),
        Value::Map(members) => members.values_mut().all(as_read),
        _ => true,
    }
}

/// Writes the value, a line feed at the end. Non-ASCII text stays as it is, what is no number becomes `null`.
///
/// `None` for an integer of more than 64 bits, which the library refuses.
pub(super) fn write(value: &Value) -> Option<String> {
    let mut text = String::new();
    put(&mut text, &value.to_plain(), 0)?;
    text.push('\n');
    Some(text)
}

fn put(text: &mut String, value: &Value, depth: usize) -> Option<()> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::BigInt(number) => text.push_str(&u64::try_from(number).ok()?.to_string()),
        Value::Float(number) => text.push_str(&number_text(*number)),
        Value::Str(string) => put_text(text, string),
        Value::List(items) if items.is_empty() => text.push_str("[]"),
        Value::Map(members) if members.is_empty() => text.push_str("{}"),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                begin_line(text, if index == 0 { '[' } else { ',' }, depth + 1);
                put(text, item, depth + 1)?;
            }
            end_block(text, ']', depth);
        }
        Value::Map(members) => {
            for (index, (key, member)) in members.iter().enumerate() {
                begin_line(text, if index == 0 { '{' } else { ',' }, depth + 1);
                put_text(text, key);
                text.push_str(": ");
                put(text, member, depth + 1)?;
            }
            end_block(text, '}', depth);
        }
        Value::Media(_) | Value::Tool(_) | Value::ToolCalls(_) => unreachable!("plain values hold none of these"),
    }
    Some(())
}

fn begin_line(text: &mut String, after: char, depth: usize) {
    text.push(after);
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

fn end_block(text: &mut String, bracket: char, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
    text.push(bracket);
}

/// Python's shortest form, with the exponent unpadded (`1e-7`), and without one for tenths of thousandths (`0.000015`).
fn number_text(number: f64) -> String {
    if !number.is_finite() {
        return "null".into();
    }
    let shortest = float::repr(number);
    match shortest.split_once("e-") {
        Some((digits, "05")) => {
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
            format!("{sign}0.0000{}", digits.replace('.', ""))
        }
        Some((digits, exponent)) => format!("{digits}e-{}", exponent.trim_start_matches('0')),
        None => shortest,
    }
}

fn put_text(text: &mut String, string: &str) {
    text.push('"');
    for ch in string.chars() {
        match ch {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            control if control < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_orjson_writes_them() {
        let written =
            [1e-5, -1.5e-5, 0.00012, 1e-6, 1.5e-7, 1e15, 1e16, 1.5e300, 5e-324, 0.1, -0.0, 100_000.0, f64::NAN];
        let expected = [
            "0.00001",
            "-0.000015",
            "0.00012",
            "1e-6",
            "1.5e-7",
            "1000000000000000.0",
            "1e+16",
            "1.5e+300",
            "5e-324",
            "0.1",
            "-0.0",
            "100000.0",
            "null",
        ];
        assert_eq!(written.map(number_text), expected);
    }

    #[test]
    fn an_integer_of_more_than_64_bits_cannot_be_written() {
        let too_large = Value::integer("18446744073709551616".parse().expect("these are digits"));
        assert_eq!(write(&too_large), None);
        assert_eq!(write(&Value::from(u64::MAX)).as_deref(), Some("18446744073709551615\n"));
    }
}
