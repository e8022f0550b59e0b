//! The types of fields: what Python annotations say, as values.

use std::sync::Arc;

use crate::value::{Map, Value};

pub mod enumeration;
pub mod model;
mod name;
mod schema;

pub use enumeration::EnumType;
pub use model::{ModelField, ModelType};
pub(crate) use schema::{Naming, type_first, with_naming};

/// The type of a field, or of a part of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Text.
    Str,
    /// An integer of any size.
    Int,
    /// A floating point number.
    Float,
    /// A truth value.
    Bool,
    /// Anything at all.
    Any,
    /// Nothing: the `None` in `Union[int, None]`.
    None,
    /// Bytes, kept as text.
    Bytes,
    /// A calendar day, ISO 8601 text.
    Date,
    /// A day and a time, ISO 8601 text.
    DateTime,
    /// A time of day, ISO 8601 text.
    Time,
    /// A span of time, ISO 8601 text.
    TimeDelta,
    /// `list[T]`; `None` is the bare `list`.
    List(Option<Box<Type>>),
    /// `set[T]`; `None` is the bare `set`.
    Set(Option<Box<Type>>),
    /// `frozenset[T]`; `None` is the bare `frozenset`.
    FrozenSet(Option<Box<Type>>),
    /// `tuple[A, B]`, one type for each element.
    Tuple(Vec<Type>),
    /// `tuple[T, ...]`; `None` is the bare `tuple`.
    VariadicTuple(Option<Box<Type>>),
    /// `dict[K, V]`; `None` is the bare `dict`.
    Dict(Option<Box<(Type, Type)>>),
    /// One of a few given values.
    Literal(Vec<Value>),
    /// One of several types, in order of preference; `Optional[T]` is a union with [`Type::None`].
    Union(Vec<Type>),
    /// One of several named values.
    Enum(Arc<EnumType>),
    /// An object with named and typed fields.
    Model(Arc<ModelType>),
    /// The model of this name in which this type stands: how a model contains itself.
    Ref(String),
    /// An image.
    Image,
    /// A sound.
    Audio,
    /// A file.
    File,
    /// A conversation so far: an object `{"messages": [...]}` of field maps.
    History,
    /// A tool that the model may call.
    Tool,
    /// The calls that the model wants made: an object `{"tool_calls": [...]}`.
    ToolCalls,
    /// Source code in the named language, kept as text; `None` is DSPy's bare `Code`, which means Python.
    Code(Option<String>),
    /// The model's reasoning, kept as text; native where a model supports it.
    Reasoning,
}

impl Type {
    /// `list[items]`.
    #[must_use]
    pub fn list(items: Type) -> Self {
        Self::List(Some(Box::new(items)))
    }

    /// `set[items]`.
    #[must_use]
    pub fn set(items: Type) -> Self {
        Self::Set(Some(Box::new(items)))
    }

    /// `dict[keys, values]`.
    #[must_use]
    pub fn dict(keys: Type, values: Type) -> Self {
        Self::Dict(Some(Box::new((keys, values))))
    }

    /// `Optional[inner]`: the type or nothing.
    #[must_use]
    pub fn optional(inner: Type) -> Self {
        Self::Union(vec![inner, Self::None])
    }

    /// `Literal[...]`: one of the given values.
    #[must_use]
    pub fn literal<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::Literal(values.into_iter().map(Into::into).collect())
    }

    /// The types between the brackets: `list[int]` has one, `dict[str, int]` two.
    #[must_use]
    pub fn arguments(&self) -> Vec<&Type> {
        match self {
            Self::List(Some(items)) | Self::Set(Some(items)) => vec![items],
            Self::FrozenSet(Some(items)) | Self::VariadicTuple(Some(items)) => vec![items],
            Self::Dict(Some(pair)) => vec![&pair.0, &pair.1],
            Self::Tuple(items) | Self::Union(items) => items.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether `None` is a value of this type.
    #[must_use]
    pub fn admits_none(&self) -> bool {
        match self {
            Self::None => true,
            Self::Union(members) => members.iter().any(Self::admits_none),
            _ => false,
        }
    }

    /// The type's name as prompts show it, for example `list[str]` or `Union[int, NoneType]`.
    #[must_use]
    pub fn name(&self) -> String {
        name::of(self)
    }

    /// The JSON Schema that pydantic 2.14 generates for the type (validation mode), keys in pydantic's order; `None`
    /// where it has none (tools).
    #[must_use]
    pub fn json_schema(&self) -> Option<Map> {
        schema::of(self)
    }
}
