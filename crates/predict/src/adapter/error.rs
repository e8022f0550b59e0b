//! What goes wrong between values and text.

use thiserror::Error;

use crate::value::Map;

/// A value that cannot be written into a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("field `{field}` cannot be formatted: {reason}")]
pub struct FormatError {
    /// The field.
    pub field: String,
    /// What is wrong with its value.
    pub reason: String,
}

/// A completion from which the output fields cannot be read. `Display` is DSPy's text.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseError {
    /// What went wrong.
    pub kind: Box<ParseErrorKind>,
    /// DSPy's name of the adapter.
    pub adapter: &'static str,
    /// The completion.
    pub completion: String,
    /// The names of the fields that were expected.
    pub expected: Vec<String>,
    /// The fields that could be read.
    pub parsed: Box<Map>,
}

/// What is wrong with a completion.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The model said nothing.
    #[error("The LM returned an empty or null response.")]
    Empty,
    /// The completion has not the form that the adapter reads.
    #[error("{0}")]
    Malformed(String),
    /// A field holds what its type does not admit.
    #[error("Failed to parse field {field} with value {value} from the LM response. Error message: {reason}")]
    Coercion {
        /// The field.
        field: String,
        /// Its raw value, as Python would print it.
        value: String,
        /// Why it does not fit.
        reason: String,
    },
    /// Fields are missing.
    #[error("")]
    Missing,
    /// A value whose kind DSPy itself trips over (a Python `TypeError`, which it lets escape and never retries).
    #[error("field {field}: {reason}")]
    Type {
        /// The field.
        field: String,
        /// What happened.
        reason: String,
    },
}

impl ParseError {
    /// The Python exception that DSPy raises: `AdapterParseError`, which the fallback adapter may mend, or `TypeError`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match *self.kind {
            ParseErrorKind::Type { .. } => "TypeError",
            _ => "AdapterParseError",
        }
    }
}

impl std::error::Error for ParseError {}

impl std::fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let ParseErrorKind::Type { .. } = *self.kind {
            return self.kind.fmt(formatter);
        }
        let reason = self.kind.to_string();
        if !reason.is_empty() {
            write!(formatter, "{reason}\n\n")?;
        }
        let Self { adapter, completion, .. } = self;
        write!(formatter, "Adapter {adapter} failed to parse the LM response. \n\nLM Response: {completion} \n\n")?;
        write!(formatter, "Expected to find output fields in the LM response: [{}] \n\n", self.expected.join(", "))?;
        if !self.parsed.is_empty() {
            let parsed: Vec<_> = self.parsed.keys().map(String::as_str).collect();
            write!(formatter, "Actual output fields parsed from the LM response: [{}] \n\n", parsed.join(", "))?;
        }
        Ok(())
    }
}
