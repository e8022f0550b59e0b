//! One input or output of a signature.

use super::prefix::infer_prefix;
use crate::typing::Type;
use crate::value::Value;

/// Whether a field is given or produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Given by the caller.
    Input,
    /// Produced by the model.
    Output,
}

/// One field of a signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// A Python identifier.
    pub name: String,
    /// Input or output.
    pub kind: FieldKind,
    /// The type of its values.
    pub ty: Type,
    /// What the prompt says of it; `None` shows nothing and is saved as `${name}`.
    pub desc: Option<String>,
    /// Kept in saved programs; no prompt shows it.
    pub prefix: String,
    /// Conditions in words, shown in the prompt and not enforced.
    pub constraints: Option<String>,
    /// The value of an absent input or output.
    pub default: Option<Value>,
    /// Whether the default is a factory's product: such a default is not filled into absent inputs, only into outputs.
    pub default_is_factory: bool,
}

impl Field {
    /// An input without description.
    #[must_use]
    pub fn input(name: impl Into<String>, ty: Type) -> Self {
        Self::new(name.into(), FieldKind::Input, ty)
    }

    /// An output without description.
    #[must_use]
    pub fn output(name: impl Into<String>, ty: Type) -> Self {
        Self::new(name.into(), FieldKind::Output, ty)
    }

    fn new(name: String, kind: FieldKind, ty: Type) -> Self {
        let prefix = infer_prefix(&name) + ":";
        Self { name, kind, ty, desc: None, prefix, constraints: None, default: None, default_is_factory: false }
    }

    /// Sets the description.
    #[must_use]
    pub fn desc(mut self, desc: impl Into<String>) -> Self {
        self.set_saved_desc(desc.into());
        self
    }

    /// Sets the default.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Sets the conditions in words, as [`crate::signature::SignatureBuilder`] writes them.
    #[must_use]
    pub fn constraints(mut self, text: impl Into<String>) -> Self {
        self.constraints = Some(text.into());
        self
    }

    /// Whether the caller gives it.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.kind == FieldKind::Input
    }

    /// The description as saved programs have it: `${name}` stands for none.
    #[must_use]
    pub fn saved_desc(&self) -> String {
        self.desc.clone().unwrap_or_else(|| format!("${{{}}}", self.name))
    }

    /// Takes a description as saved programs have it.
    pub fn set_saved_desc(&mut self, desc: String) {
        self.desc = (desc != format!("${{{}}}", self.name)).then_some(desc);
    }
}
