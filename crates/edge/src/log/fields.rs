//! What events and spans say.

use std::fmt;

use serde::Serialize;
use tracing::field::{Field, Visit};

/// The fields of an event, or of a span and those around it: their names, and their values as JSON in one text.
#[derive(Clone, Default)]
pub(super) struct Fields {
    /// Each name, and where its value ends; it begins where the one before it ends.
    ends: Vec<(&'static str, usize)>,
    text: Vec<u8>,
}

impl Fields {
    /// Names and values, in the order in which they were said.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |(name, end)| (*name, &self.text[std::mem::replace(&mut start, *end)..*end]))
    }

    /// The value of `name`; of several, what was said last.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let index = self.ends.iter().rposition(|(known, _)| *known == name)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
        Some(&self.text[start..self.ends[index].1])
    }

    /// Says what `others` say, too.
    pub(super) fn extend(&mut self, others: &Self) {
        let start = self.text.len();
        self.ends.extend(others.ends.iter().map(|(name, end)| (*name, start + end)));
        self.text.extend_from_slice(&others.text);
    }

    /// Says nothing any more, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.text.clear();
    }

    fn set(&mut self, field: &Field, value: impl Serialize) {
        // What is recorded are numbers and texts, which can always be written as JSON.
        if serde_json::to_writer(&mut self.text, &value).is_ok() {
            self.ends.push((field.name(), self.text.len()));
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format_args!("{value:?}"));
    }
}
