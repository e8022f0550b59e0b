//! Days and instants of the proleptic Gregorian calendar.

use std::fmt;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

/// A time of day with its offset from UTC, if one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Time {
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) microsecond: i64,
    pub(super) offset_minutes: Option<i64>,
}

/// A day and a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Instant {
    pub(super) date: Date,
    pub(super) time: Time,
}

impl Date {
    /// The day, if it exists and Python has it (years 1 to 9999).
    pub(super) fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let last = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        let exists = (1..=9999).contains(&year) && (1..=last).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The day that many days after 1970-01-01.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    fn from_days(days: i64) -> Option<Self> {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(year, month, day)
    }
}

impl Instant {
    /// The instant of a Unix timestamp: seconds, or milliseconds when it is larger than the given number.
    pub(super) fn from_timestamp(number: f64, milliseconds_beyond: f64) -> Option<Self> {
        if !number.is_finite() || number.abs() > 1e15 {
            return None;
        }
        let per_second = if number.abs() > milliseconds_beyond { 1000.0 } else { 1.0 };
        let whole = (number / per_second).floor();
        let microsecond = ((number - whole * per_second) * 1e6 / per_second).round() as i64;
        let seconds = whole as i64 + microsecond / 1_000_000;
        let of_day = seconds.rem_euclid(86_400);
        let time = Time {
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            microsecond: microsecond % 1_000_000,
            offset_minutes: Some(0),
        };
        Some(Self { date: Date::from_days(seconds.div_euclid(86_400))?, time })
    }

    pub(super) fn is_midnight(&self) -> bool {
        Time { offset_minutes: None, ..self.time } == Time::default()
    }

    pub(super) fn time_text(&self) -> String {
        self.time.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        if self.microsecond != 0 {
            write!(formatter, ".{:06}", self.microsecond)?;
        }
        match self.offset_minutes {
            None => Ok(()),
            Some(0) => formatter.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(formatter, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}T{}", self.date, self.time)
    }
}
