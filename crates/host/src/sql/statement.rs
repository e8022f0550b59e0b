//! A statement that has not been carried out yet.

use std::borrow::Cow;

use super::value::Value;

/// A statement and its parameters, in the dialect that [`sql`](super) describes.
///
/// ```
/// # use host::sql::Statement;
/// let statement = Statement::new("UPDATE cats SET name = ? WHERE id = ?").bind("Tom").bind(7);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    text: Cow<'static, str>,
    params: Vec<Value>,
}

impl Statement {
    /// `text`, whose first `?` stands for what is bound first.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), params: Vec::new() }
    }

    /// The same with `value` for the next `?`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// The same with `values` for as many `?`, in their order.
    #[must_use]
    pub fn bind_all<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.params.extend(values.into_iter().map(Into::into));
        self
    }

    /// The same with `text` at its end: for a condition that is not always there.
    #[must_use]
    pub fn push(mut self, text: &str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// What there is to be carried out, with a `?` for each parameter.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands for the marks, in their order.
    pub fn params(&self) -> &[Value] {
        &self.params
    }

    /// As [`params`](Self::params), to keep.
    pub(crate) fn into_params(self) -> Vec<Value> {
        self.params
    }

    /// For an INSERT the one that also gives a row for each that it has made, on both databases; none for what may change rows
    /// that are there already, of which it is not told whether it did.
    pub(super) fn returning(&self) -> Option<Self> {
        let is_insert = self.text.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("INSERT "));
        let may_update =
            self.text.contains(" ON ") && (self.text.contains("DUPLICATE") || self.text.contains("CONFLICT"));
        (is_insert && !may_update).then(|| self.clone().push(" RETURNING 1"))
    }
}
