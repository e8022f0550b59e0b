//! From what a model wrote to what a field's type admits: DSPy's `parse_value` over pydantic's lax validation.

use std::fmt;

use thiserror::Error;

use crate::python::{eq, json_repair, literal_eval, repr, text};
use crate::typing::Type;
use crate::value::Value;

mod constraint;
mod dspy;
mod model;
mod number;
mod temporal;
mod union;
mod validate;

pub(crate) use dspy::tool_calls;
pub use validate::validate;
pub(crate) use validate::validate_by_name;

/// A value that its type does not admit: where in it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invalid {
    /// Keys and indexes from the outside in.
    pub path: Vec<String>,
    /// Why, in words that a model understands too.
    pub reason: String,
}

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    pub(crate) fn at(mut self, key: impl fmt::Display) -> Self {
        self.path.insert(0, key.to_string());
        self
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path.join("."))?;
        }
        formatter.write_str(&self.reason)
    }
}

/// Why a raw value is no value of a type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CoerceError {
    /// The type does not admit it (Python's `ValueError`, pydantic's `ValidationError` included).
    #[error(transparent)]
    Value(#[from] Invalid),
    /// Python trips over the kind of value (`TypeError`), which DSPy lets escape.
    #[error("{0}")]
    Type(String),
}

/// Reads a raw value, text or something out of JSON, as a value of the type.
///
/// ```
/// use predict::coerce::parse_value;
/// use predict::{Type, Value};
///
/// let tags = parse_value(&"['a', 'b',".into(), &Type::list(Type::Str))?;
/// assert_eq!(tags, Value::from(vec!["a", "b"]));
/// # Ok::<(), predict::coerce::CoerceError>(())
/// ```
///
/// # Errors
/// When the type does not admit it.
pub fn parse_value(raw: &Value, ty: &Type) -> Result<Value, CoerceError> {
    match ty {
        Type::Str => Ok(Value::Str(repr::str(raw))),
        Type::Enum(enumeration) => enum_member(raw, enumeration),
        Type::Literal(allowed) => match literal(raw, allowed) {
            Ok(value) => Ok(value),
            Err(rest) => parse_other(&rest, ty),
        },
        _ => parse_other(raw, ty),
    }
}

/// An enumeration's member by value or else by name.
fn enum_member(raw: &Value, enumeration: &crate::typing::EnumType) -> Result<Value, CoerceError> {
    if let Some((_, value)) = enumeration.members.iter().find(|(_, value)| eq::equals(value, raw)) {
        return Ok(value.clone());
    }
    match raw {
        // Python looks names up in a dict, which lists and objects cannot be keys of.
        Value::List(_) | Value::Map(_) => Err(CoerceError::Type(format!("unhashable value {}", repr::repr(raw)))),
        _ => {
            let by_name = enumeration.members.iter().find(|(name, _)| raw.as_str() == Some(name));
            let error = || {
                let reason =
                    format!("{} is not a valid name or value for the enum {}", repr::str(raw), enumeration.name);
                CoerceError::Value(Invalid::new(reason))
            };
            by_name.map(|(_, value)| value.clone()).ok_or_else(error)
        }
    }
}

/// The raw value if it is allowed, or the text inside `Literal[...]`, `str[...]` and quotes if that is; otherwise what
/// is left to try.
fn literal(raw: &Value, allowed: &[Value]) -> Result<Value, Value> {
    let is_allowed = |value: &Value| allowed.iter().any(|option| eq::equals(option, value));
    if is_allowed(raw) {
        return Ok(raw.clone());
    }
    let Some(raw) = raw.as_str() else { return Err(raw.clone()) };
    let mut inner = text::strip(raw);
    if (inner.starts_with("Literal[") || inner.starts_with("str[")) && inner.ends_with(']') {
        let open = inner.find('[').map_or(0, |at| at + 1);
        inner = &inner[open..inner.len() - 1];
    }
    for quote in ['"', '\''] {
        if inner.len() > 1 && inner.starts_with(quote) && inner.ends_with(quote) {
            inner = &inner[1..inner.len() - 1];
            break;
        }
    }
    let inner = Value::from(inner);
    if is_allowed(&inner) { Ok(inner) } else { Err(inner) }
}

fn parse_other(raw: &Value, ty: &Type) -> Result<Value, CoerceError> {
    let Some(written) = raw.as_str() else { return Ok(validate(raw, ty)?) };
    if let Type::Union(members) = ty
        && members.contains(&Type::None)
        && members.contains(&Type::Str)
    {
        return Ok(validate(raw, ty)?);
    }
    let mut candidate = json_repair::loads(written).map_err(|error| Invalid::new(error.to_string()))?;
    if candidate == Value::from("") && !written.is_empty() {
        candidate = literal_eval::literal_eval(written).unwrap_or_else(|| raw.clone());
    }
    let validated = validate(&candidate, ty);
    match ty {
        // DSPy's own types get a second chance with the text itself: code and reasoning are text of any form.
        Type::Code(_) | Type::Reasoning | Type::ToolCalls | Type::Image | Type::Audio | Type::File | Type::Tool => {
            Ok(validated.or_else(|error| validate(raw, ty).map_err(|_| error))?)
        }
        _ => Ok(validated?),
    }
}
