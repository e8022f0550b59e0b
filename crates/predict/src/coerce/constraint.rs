//! Conditions on the values of model fields.

use std::cmp::Ordering;

use super::Invalid;
use crate::python::repr;
use crate::typing::model::Constraint;
use crate::value::Value;

/// Whether a value satisfies a condition. `None` satisfies all: they are about the type inside `Optional`.
pub(super) fn check(value: &Value, constraint: &Constraint) -> Result<(), Invalid> {
    if value.is_null() {
        return Ok(());
    }
    let holds = match constraint {
        Constraint::Gt(bound) => compare(value, bound) == Some(Ordering::Greater),
        Constraint::Ge(bound) => compare(value, bound).is_some_and(Ordering::is_ge),
        Constraint::Lt(bound) => compare(value, bound) == Some(Ordering::Less),
        Constraint::Le(bound) => compare(value, bound).is_some_and(Ordering::is_le),
        Constraint::MultipleOf(factor) => is_multiple(value, factor),
        Constraint::MinLen(len) => length(value).is_some_and(|length| length >= *len),
        Constraint::MaxLen(len) => length(value).is_some_and(|length| length <= *len),
        Constraint::Pattern(pattern) => match (regex::Regex::new(pattern), value.as_str()) {
            (Ok(regex), Some(text)) => regex.is_match(text),
            _ => false,
        },
    };
    if holds { Ok(()) } else { Err(Invalid::new(reason(constraint))) }
}

fn reason(constraint: &Constraint) -> String {
    match constraint {
        Constraint::Gt(bound) => format!("input should be greater than {}", repr::str(bound)),
        Constraint::Ge(bound) => format!("input should be greater than or equal to {}", repr::str(bound)),
        Constraint::Lt(bound) => format!("input should be less than {}", repr::str(bound)),
        Constraint::Le(bound) => format!("input should be less than or equal to {}", repr::str(bound)),
        Constraint::MultipleOf(factor) => format!("input should be a multiple of {}", repr::str(factor)),
        Constraint::MinLen(len) => format!("input should have at least {len} characters or items"),
        Constraint::MaxLen(len) => format!("input should have at most {len} characters or items"),
        Constraint::Pattern(pattern) => format!("input should match the pattern {pattern}"),
    }
}

/// Numbers by size, texts (dates among them) by code point; `None` where there is no order.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::BigInt(big), Value::Int(_) | Value::Float(_)) => {
            Some(if big.sign() == num_bigint::Sign::Minus { Ordering::Less } else { Ordering::Greater })
        }
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Floats are given one part in a billion, as pydantic does.
fn is_multiple(value: &Value, factor: &Value) -> bool {
    if let (Value::Int(value), Value::Int(factor)) = (value, factor) {
        return *factor != 0 && value.wrapping_rem(*factor) == 0;
    }
    let (Some(value), Some(factor)) = (value.as_f64(), factor.as_f64()) else { return false };
    let rest = (value % factor).abs();
    let tolerance = value.abs() / 1e9;
    rest <= tolerance || (rest - factor.abs()).abs() <= tolerance
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.chars().count()),
        Value::List(items) => Some(items.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}
