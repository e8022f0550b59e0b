//! A signature built field by field, as a DSPy class declares it.

use super::{Field, Signature};
use crate::typing::Type;

/// Collects the parts of a [`Signature`].
///
/// ```
/// use predict::{Signature, Type};
///
/// let triage = Signature::builder("Triage")
///     .instructions("Triage a support ticket.")
///     .input("ticket", Type::Str)
///     .output_with("label", Type::literal(["bug", "feature"]), "what it is")
///     .build();
/// assert_eq!(triage.name(), "Triage");
/// ```
#[derive(Debug, Clone)]
pub struct SignatureBuilder {
    name: String,
    instructions: Option<String>,
    fields: Vec<Field>,
}

impl SignatureBuilder {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), instructions: None, fields: Vec::new() }
    }

    /// What the model is told to do.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Adds an input without description.
    #[must_use]
    pub fn input(self, name: impl Into<String>, ty: Type) -> Self {
        self.field(Field::input(name, ty))
    }

    /// Adds an input with its description.
    #[must_use]
    pub fn input_with(self, name: impl Into<String>, ty: Type, desc: impl Into<String>) -> Self {
        self.field(Field::input(name, ty).desc(desc))
    }

    /// Adds an output without description.
    #[must_use]
    pub fn output(self, name: impl Into<String>, ty: Type) -> Self {
        self.field(Field::output(name, ty))
    }

    /// Adds an output with its description.
    #[must_use]
    pub fn output_with(self, name: impl Into<String>, ty: Type, desc: impl Into<String>) -> Self {
        self.field(Field::output(name, ty).desc(desc))
    }

    /// Adds a field of any shape.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The signature.
    #[must_use]
    pub fn build(self) -> Signature {
        Signature::new(self.name, self.instructions.as_deref(), self.fields)
    }
}
