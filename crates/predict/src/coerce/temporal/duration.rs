//! Spans of time.

use super::scan::Scanner;
use crate::value::Value;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Python's `timedelta` ends here.
const MAX_DAYS: i64 = 999_999_999;

/// The canonical text of a span given as ISO 8601, as a clock time or as seconds.
pub(super) fn read(value: &Value) -> Option<String> {
    let microseconds = match value {
        Value::Int(seconds) => seconds.checked_mul(SECOND)?,
        Value::Float(seconds) if seconds.abs() < 8.64e13 => (seconds * 1e6).round() as i64,
        Value::Str(text) => text_microseconds(text)?,
        _ => return None,
    };
    (microseconds.abs() / DAY <= MAX_DAYS).then(|| canonical(microseconds))
}

fn text_microseconds(text: &str) -> Option<i64> {
    let mut scanner = Scanner::new(text);
    let sign = if scanner.eat(&['+', '-']) == Some('-') { -1 } else { 1 };
    let magnitude = if scanner.eat(&['P', 'p']).is_some() {
        iso(&mut scanner)?
    } else if scanner.rest().get(2..3) == Some(":") && scanner.rest().len() > 3 {
        clock(&mut scanner)?
    } else {
        days_and_clock(&mut scanner)?
    };
    scanner.rest().is_empty().then_some(sign * magnitude)
}

/// `1Y2M3W4DT5H6M7.8S`, each part optional but not all: years are 365 days and months 30.
fn iso(scanner: &mut Scanner<'_>) -> Option<i64> {
    let mut total: i64 = 0;
    let mut in_time = false;
    let mut is_empty = true;
    while !scanner.rest().is_empty() {
        if !in_time && scanner.eat(&['T', 't']).is_some() {
            in_time = true;
            continue;
        }
        let number = scanner.number()?;
        let millionths = if scanner.eat(&['.', ',']).is_some() { scanner.fraction()? } else { 0 };
        let unit = scanner.eat(&['Y', 'M', 'W', 'D', 'H', 'S', 'y', 'm', 'w', 'd', 'h', 's'])?.to_ascii_uppercase();
        let seconds = match (in_time, unit) {
            (false, 'Y') => 365 * 86_400,
            (false, 'M') => 30 * 86_400,
            (false, 'W') => 7 * 86_400,
            (false, 'D') => 86_400,
            (true, 'H') => 3600,
            (true, 'M') => 60,
            (true, 'S') => 1,
            _ => return None,
        };
        let part = number.checked_mul(seconds)?.checked_mul(SECOND)?.checked_add(millionths.checked_mul(seconds)?)?;
        total = total.checked_add(part)?;
        is_empty = false;
    }
    (!is_empty).then_some(total)
}

/// `HH:MM[:SS[.f]]`, hours beyond 23 allowed.
fn clock(scanner: &mut Scanner<'_>) -> Option<i64> {
    let hours = scanner.number()?;
    scanner.eat(&[':'])?;
    let minutes = scanner.number().filter(|minutes| *minutes < 60)?;
    let mut total = (hours * 3600 + minutes * 60) * SECOND;
    if scanner.eat(&[':']).is_some() {
        total += scanner.number().filter(|second| *second < 60)? * SECOND;
        if scanner.eat(&['.', ',']).is_some() {
            total += scanner.fraction()?;
        }
    }
    Some(total)
}

/// `1 day`, `2 days, 03:04:05`, `1d 03:04`.
fn days_and_clock(scanner: &mut Scanner<'_>) -> Option<i64> {
    let days = scanner.number().filter(|days| *days <= MAX_DAYS)?;
    scanner.eat(&[' ']);
    scanner.eat(&['d', 'D'])?;
    if scanner.eat(&['a', 'A']).is_some() {
        scanner.eat(&['y', 'Y'])?;
        scanner.eat(&['s', 'S']);
    }
    scanner.eat(&[',']);
    scanner.eat(&[' ']);
    let of_day = if scanner.rest().is_empty() { 0 } else { clock(scanner)? };
    Some(days * DAY + of_day)
}

/// `P1Y2DT3H4M5.6S` in years of 365 days, `PT0S` for nothing.
fn canonical(microseconds: i64) -> String {
    let sign = if microseconds < 0 { "-" } else { "" };
    let magnitude = microseconds.abs();
    let (days, rest) = (magnitude / DAY, magnitude % DAY);
    let part = |number: i64, unit: char| if number == 0 { String::new() } else { format!("{number}{unit}") };
    let (seconds, fraction) = (rest / SECOND % 60, rest % SECOND);
    let seconds = match fraction {
        0 => part(seconds, 'S'),
        _ => format!("{seconds}.{}S", format!("{fraction:06}").trim_end_matches('0')),
    };
    let clock = part(rest / (3600 * SECOND), 'H') + &part(rest / (60 * SECOND) % 60, 'M') + &seconds;
    let date = part(days / 365, 'Y') + &part(days % 365, 'D');
    match (date.is_empty(), clock.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (_, true) => format!("{sign}P{date}"),
        (_, false) => format!("{sign}P{date}T{clock}"),
    }
}
