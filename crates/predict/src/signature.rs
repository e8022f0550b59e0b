//! Signatures: what a module takes and gives, and what it is told to do.

use crate::python::cleandoc::cleandoc;
use crate::typing::Type;
use crate::value::Map;

mod builder;
mod edit;
mod field;
mod parse;
mod prefix;

pub use builder::SignatureBuilder;
pub use edit::EditError;
pub use field::{Field, FieldKind};
pub use parse::SignatureError;
pub use prefix::infer_prefix;

/// Named and typed inputs and outputs with instructions: the declaration of one model call.
///
/// ```
/// use predict::Signature;
///
/// let signature = Signature::parse("question, context: list[str] -> answer, confidence: float")?;
/// assert_eq!(signature.instructions(), "Given the fields `question`, `context`, produce the fields `answer`, `confidence`.");
/// # Ok::<(), predict::SignatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    name: String,
    instructions: String,
    fields: Vec<Field>,
}

impl Signature {
    /// Reads the string form `"a, b: int -> c: list[str]"`; a field without annotation is text.
    ///
    /// # Errors
    /// When the text is not of that form, names a field twice or a type that does not exist.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        parse::signature(text, &[])
    }

    /// Reads the string form with types of one's own: `names` says what a name stands for.
    ///
    /// # Errors
    /// As [`Signature::parse`].
    pub fn parse_with(text: &str, names: &[(&str, Type)]) -> Result<Self, SignatureError> {
        parse::signature(text, names)
    }

    /// Starts a signature that is built field by field.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> SignatureBuilder {
        SignatureBuilder::new(name)
    }

    /// A signature of given parts: inputs come before outputs, each group in the order given. Instructions that are
    /// absent or empty become the default ones.
    #[must_use]
    pub fn new(name: impl Into<String>, instructions: Option<&str>, fields: Vec<Field>) -> Self {
        let (inputs, outputs): (Vec<_>, Vec<_>) = fields.into_iter().partition(Field::is_input);
        let fields = [inputs, outputs].concat();
        let instructions = match instructions {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => default_instructions(&fields),
        };
        Self { name: name.into(), instructions, fields }
    }

    /// The signature's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instructions with their indentation cleaned (Python's `inspect.cleandoc`).
    #[must_use]
    pub fn instructions(&self) -> String {
        cleandoc(&self.instructions)
    }

    /// All fields, inputs first.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The input fields, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_input())
    }

    /// The output fields, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.is_input())
    }

    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The inputs with absent ones filled from their defaults (those of factories excepted, as in DSPy).
    #[must_use]
    pub fn with_defaults(&self, inputs: &Map) -> Map {
        let mut filled = inputs.clone();
        for field in self.inputs().filter(|field| !field.default_is_factory) {
            if let (false, Some(default)) = (inputs.contains_key(&field.name), &field.default) {
                filled.insert(field.name.clone(), default.clone());
            }
        }
        filled
    }
}

/// ``Given the fields `a`, `b`, produce the fields `c`.``
fn default_instructions(fields: &[Field]) -> String {
    let names = |inputs: bool| {
        let names = fields.iter().filter(|field| field.is_input() == inputs).map(|field| format!("`{}`", field.name));
        names.collect::<Vec<_>>().join(", ")
    };
    format!("Given the fields {}, produce the fields {}.", names(true), names(false))
}
