//! The pieces of ISO 8601 texts.

use super::calendar::{Date, Instant, Time};

/// A reader over the characters of a text.
pub(super) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What `read` gives if it takes the whole text.
    pub(super) fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        read(&mut self).filter(|_| self.rest.is_empty())
    }

    pub(super) fn eat(&mut self, options: &[char]) -> Option<char> {
        let found = self.rest.chars().next().filter(|ch| options.contains(ch))?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    /// A number of exactly that many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.rest.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.rest = &self.rest[count..];
        digits.parse().ok()
    }

    /// Up to six digits after a point as millionths; further ones are cut off.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = &self.rest[..len];
        self.rest = &self.rest[len..];
        let millionths: String = digits.chars().chain("000000".chars()).take(6).collect();
        if len == 0 { None } else { millionths.parse().ok() }
    }

    pub(super) fn date(&mut self) -> Option<Date> {
        let year = self.digits(4)?;
        self.eat(&['-'])?;
        let month = self.digits(2)?;
        self.eat(&['-'])?;
        Date::new(year, month, self.digits(2)?)
    }

    /// `HH:MM`, `HH:MM:SS` or with a fraction, without offset.
    pub(super) fn clock(&mut self) -> Option<Time> {
        let hour = self.digits(2).filter(|hour| *hour < 24)?;
        self.eat(&[':'])?;
        let minute = self.digits(2).filter(|minute| *minute < 60)?;
        let mut time = Time { hour, minute, ..Time::default() };
        if self.eat(&[':']).is_some() {
            time.second = self.digits(2).filter(|second| *second < 60)?;
            if self.eat(&['.', ',']).is_some() {
                time.microsecond = self.fraction()?;
            }
        }
        Some(time)
    }

    pub(super) fn time_of_day(&mut self) -> Option<Time> {
        let time = self.clock()?;
        Some(Time { offset_minutes: self.offset()?, ..time })
    }

    /// `Z`, `+HH:MM`, `+HHMM` or nothing.
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        let sign = match self.eat(&['Z', 'z', '+', '-', '\u{2212}'])? {
            'Z' | 'z' => return Some(Some(0)),
            '+' => 1,
            _ => -1,
        };
        let hours = self.digits(2).filter(|hours| *hours < 24)?;
        self.eat(&[':']);
        let minutes = self.digits(2).filter(|minutes| *minutes < 60)?;
        Some(Some(sign * (hours * 60 + minutes)))
    }

    pub(super) fn instant(&mut self) -> Option<Instant> {
        let date = self.date()?;
        self.eat(&['T', 't', ' ', '_'])?;
        Some(Instant { date, time: self.time_of_day()? })
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// A run of digits, at most eighteen.
    pub(super) fn number(&mut self) -> Option<i64> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if len > 18 {
            return None;
        }
        let number = self.rest[..len].parse().ok()?;
        self.rest = &self.rest[len..];
        Some(number)
    }
}
