//! Months of the calendar, in UTC.

use std::fmt;

use ids::Timestamp;

/// A month, counted from the year 0. As text it is the name of its partition: `p2028_02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(u32);

impl Month {
    /// The month of `moment`; `None` outside of the years 0 to 9999.
    pub(super) fn of(moment: Timestamp) -> Option<Self> {
        let text = moment.to_string();
        let (year, rest) = text.split_once('-')?;
        let month: u32 = rest.get(..2)?.parse().ok()?;
        Some(Self(year.parse::<u32>().ok()? * 12 + month - 1))
    }

    /// The moment at which it begins.
    pub(super) fn start(self) -> Timestamp {
        let (year, month) = self.parts();
        format!("{year:04}-{month:02}-01T00:00:00Z").parse().unwrap_or(Timestamp::from_millis(i64::MAX))
    }

    /// The month `months` later.
    pub(super) fn plus(self, months: u32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// The month `months` earlier.
    pub(super) fn minus(self, months: u32) -> Self {
        Self(self.0.saturating_sub(months))
    }

    /// This month and those after it, up to `last`.
    pub(super) fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }

    fn parts(self) -> (u32, u32) {
        (self.0 / 12, self.0 % 12 + 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.parts();
        write!(f, "p{year:04}_{month:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_one_another_across_years_and_begin_at_midnight_in_utc() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let december = Month::of(moment("2027-12-31T23:59:59.999Z")).unwrap();
        let names: Vec<String> = december.up_to(december.plus(2)).map(|month| month.to_string()).collect();
        assert_eq!(names, ["p2027_12", "p2028_01", "p2028_02"]);
        assert_eq!(december.plus(1).start(), moment("2028-01-01T00:00:00Z"));
        assert_eq!(december.minus(12).start(), moment("2026-12-01T00:00:00Z"));
        assert_eq!(Month::of(Timestamp::from_millis(i64::MAX)), None);
    }
}
