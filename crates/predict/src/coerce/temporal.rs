//! Dates and times out of ISO 8601 text and numbers. Their values are canonical ISO 8601 text, as pydantic writes it.
//!
//! Source: the documentation of the crate speedate, which pydantic reads them with, and the behaviour of pydantic 2.14.3.

use super::Invalid;
use super::validate::wanted;
use crate::typing::Type;
use crate::value::Value;
use calendar::{Date, Instant};
use scan::Scanner;

mod calendar;
mod duration;
mod scan;

/// Numbers beyond this are milliseconds rather than seconds.
const MILLISECONDS_BEYOND: f64 = 2e10;

/// Reads a value of one of the four types of date and time.
pub(super) fn validate(value: &Value, ty: &Type) -> Result<Value, Invalid> {
    let read = match ty {
        Type::Date => date(value),
        Type::DateTime => instant(value).map(|instant| instant.to_string()),
        Type::Time => time(value),
        _ => duration::read(value),
    };
    read.map(Value::Str).ok_or_else(|| wanted(&format!("a {}", ty.name()), value))
}

/// A day, or an instant that is exactly midnight.
fn date(value: &Value) -> Option<String> {
    if let Some(day) = value.as_str().and_then(|text| Scanner::new(text).whole(Scanner::date)) {
        return Some(day.to_string());
    }
    instant(value).filter(Instant::is_midnight).map(|instant| instant.date.to_string())
}

fn instant(value: &Value) -> Option<Instant> {
    match value {
        Value::Int(seconds) => Instant::from_timestamp(*seconds as f64, MILLISECONDS_BEYOND),
        Value::Float(seconds) => Instant::from_timestamp(*seconds, MILLISECONDS_BEYOND),
        Value::Str(text) => {
            let written = Scanner::new(text).whole(Scanner::instant);
            written.or_else(|| Instant::from_timestamp(timestamp_text(text)?, MILLISECONDS_BEYOND)).or_else(|| {
                let date = Scanner::new(text).whole(Scanner::date)?;
                Some(Instant { date, ..Instant::default() })
            })
        }
        _ => None,
    }
}

/// A number as text; the names of infinities and of NaN are none.
fn timestamp_text(text: &str) -> Option<f64> {
    let is_numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
    // Only with a point is it a float, which may have an exponent.
    let is_plausible = text.bytes().all(is_numeric) && (text.contains('.') || !text.contains(['e', 'E']));
    if is_plausible { text.parse().ok() } else { None }
}

fn time(value: &Value) -> Option<String> {
    let seconds = match value {
        Value::Str(text) => return Scanner::new(text).whole(Scanner::time_of_day).map(|time| time.to_string()),
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        _ => return None,
    };
    let of_day = (0.0..86_400.0).contains(&seconds);
    let instant = if of_day { Instant::from_timestamp(seconds, MILLISECONDS_BEYOND)? } else { return None };
    Some(instant.time_text())
}

impl Default for Date {
    fn default() -> Self {
        Self { year: 1970, month: 1, day: 1 }
    }
}
