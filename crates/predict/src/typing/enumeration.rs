//! Enumerations: named values.

use crate::value::Value;

/// A Python `Enum`. Fields hold the member's value, not its name.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumType {
    /// The class name.
    pub name: String,
    /// Member names with their values, in order.
    pub members: Vec<(String, Value)>,
    /// The docstring, which JSON Schema shows as the description.
    pub doc: Option<String>,
}

impl EnumType {
    /// An enumeration without members; add them with [`EnumType::member`].
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), members: Vec::new(), doc: None }
    }

    /// Adds a member.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.push((name.into(), value.into()));
        self
    }
}
