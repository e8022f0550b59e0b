//! Models: objects with named and typed fields, pydantic's `BaseModel`.

use super::Type;
use crate::value::Value;

/// A pydantic model. Its values are [`Value::Map`]s by field name.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelType {
    /// The class name. JSON Schema refers to models by it, so that different models of a signature need different names.
    pub name: String,
    /// The docstring, which JSON Schema shows as the description.
    pub doc: Option<String>,
    /// What happens to keys that are no field.
    pub extra: Extra,
    /// The fields, in order.
    pub fields: Vec<ModelField>,
}

/// What a model does with keys that are none of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Extra {
    /// They are dropped.
    #[default]
    Ignore,
    /// They are an error.
    Forbid,
    /// They are kept.
    Allow,
}

/// One field of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelField {
    /// The name under which values keep it.
    pub name: String,
    /// The name that JSON has for it, if another.
    pub alias: Option<String>,
    /// Its type.
    pub ty: Type,
    /// Its value when it is absent; a field without one is required.
    pub default: Option<Default>,
    /// The description in the JSON Schema.
    pub description: Option<String>,
    /// What its value must satisfy.
    pub constraints: Vec<Constraint>,
}

/// Where an absent field's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// A value that the JSON Schema shows.
    Value(Value),
    /// The product of a factory, which the schema does not show.
    Factory(Value),
}

impl Default {
    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Value(value) | Self::Factory(value) => value,
        }
    }
}

/// A condition on a model field's value, checked when completions are read (unlike those of signature fields, which are
/// prompt text only).
#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    /// Greater than.
    Gt(Value),
    /// At least.
    Ge(Value),
    /// Less than.
    Lt(Value),
    /// At most.
    Le(Value),
    /// A whole multiple of.
    MultipleOf(Value),
    /// At least so many characters or elements.
    MinLen(usize),
    /// At most so many characters or elements.
    MaxLen(usize),
    /// Text in which this regular expression matches.
    Pattern(String),
}

impl ModelType {
    /// A model without fields; add them with [`ModelType::field`] and [`ModelType::with`].
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), doc: None, extra: Extra::Ignore, fields: Vec::new() }
    }

    /// Sets the docstring.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    /// Adds a required field.
    #[must_use]
    pub fn field(self, name: impl Into<String>, ty: Type) -> Self {
        self.with(ModelField::new(name, ty))
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: ModelField) -> Self {
        self.fields.push(field);
        self
    }
}

impl ModelField {
    /// A required field without alias, description and constraints.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self { name: name.into(), alias: None, ty, default: None, description: None, constraints: Vec::new() }
    }

    /// The value that an absent field takes.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(Default::Value(value.into()));
        self
    }

    /// The description in the JSON Schema.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds a condition.
    #[must_use]
    pub fn constrained(mut self, constraint: Constraint) -> Self {
        self.constraints.push(constraint);
        self
    }

    /// The key under which JSON has the field.
    #[must_use]
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}
