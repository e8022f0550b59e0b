//! What fields hold: JSON's values with integers and floats kept apart, objects in order, and the few non-JSON things
//! that prompts know (media and tools).

use std::sync::Arc;

use indexmap::IndexMap;
use num_bigint::BigInt;

use crate::media::Media;
use crate::tool::{Tool, ToolCalls};

mod convert;
mod serialize;

/// Named values in the order in which they were given: the inputs of a call, its outputs, a demo, a JSON object.
pub type Map = IndexMap<String, Value>;

/// One value of a field.
///
/// Integers are exact at any size and never equal to floats: `1` and `1.0` reach prompts differently. Equality is
/// structural; what Python calls equal (`1 == 1.0 == True`) is [`crate::python::eq::equals`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// JSON's `null`, Python's `None`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits. Build it with [`Value::integer`], which keeps small ones small.
    BigInt(BigInt),
    /// A floating point number, NaN and the infinities included.
    Float(f64),
    /// Text. Dates, times, code and reasoning are text as well.
    Str(String),
    /// A list; also what tuples and sets become.
    List(Vec<Value>),
    /// An object, its keys in order.
    Map(Map),
    /// An image, a sound or a file.
    Media(Media),
    /// A tool that the model may call.
    Tool(Arc<Tool>),
    /// Calls that the model wants made.
    ToolCalls(ToolCalls),
}

impl Value {
    /// An integer of any size in its canonical variant.
    #[must_use]
    pub fn integer(number: BigInt) -> Self {
        i64::try_from(&number).map_or(Self::BigInt(number), Self::Int)
    }

    /// The value in JSON's own terms, as pydantic's JSON mode writes it: media become marked text, tools their prompt
    /// line and tool calls the object that prompts show; what is no number becomes `null` inside lists and objects.
    #[must_use]
    pub fn to_plain(&self) -> Self {
        let inside = |value: &Self| match value {
            Self::Float(number) if !number.is_finite() => Self::Null,
            value => value.to_plain(),
        };
        match self {
            Self::List(items) => Self::List(items.iter().map(inside).collect()),
            Self::Map(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), inside(value))).collect()),
            Self::Media(media) => Self::Str(media.to_marker()),
            Self::Tool(tool) => Self::Str(tool.to_string()),
            Self::ToolCalls(calls) => calls.to_plain(),
            plain => plain.clone(),
        }
    }

    /// Whether this is [`Value::Null`].
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The integer, if this is one that fits 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number as a float, if this is a float or an integer of 64 bits.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The object, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The member `key` of an object; `None` for a missing key and for everything that is no object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }
}

/// Builds a [`Map`] in place: `map! { "question" => "2+2?", "k" => 3 }`.
///
/// ```
/// let inputs = predict::map! { "question" => "Where is Dune set?", "hints" => vec!["a planet", "sand"] };
/// assert_eq!(inputs["question"], predict::Value::from("Where is Dune set?"));
/// ```
#[macro_export]
macro_rules! map {
    () => { $crate::Map::new() };
    ($($key:expr => $value:expr),+ $(,)?) => {{
        let mut map = $crate::Map::new();
        $(map.insert(::std::string::String::from($key), $crate::Value::from($value));)+
        map
    }};
}
