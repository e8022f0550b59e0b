//! Rust's own values as [`Value`]s, and `serde_json`'s in both directions.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Map, Value};
use crate::media::Media;
use crate::tool::{Tool, ToolCalls};

macro_rules! from_small_integers {
    ($($int:ty),*) => {$(
        impl From<$int> for Value {
            fn from(number: $int) -> Self {
                Self::Int(i64::from(number))
            }
        }
    )*};
}
from_small_integers!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::integer(BigInt::from(number))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::integer(BigInt::from(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Media> for Value {
    fn from(media: Media) -> Self {
        Self::Media(media)
    }
}

impl From<Tool> for Value {
    fn from(tool: Tool) -> Self {
        Self::Tool(Arc::new(tool))
    }
}

impl From<ToolCalls> for Value {
    fn from(calls: ToolCalls) -> Self {
        Self::ToolCalls(calls)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<serde_json::Value> for Value {
    /// Numbers that are neither 64-bit integers nor unsigned ones become floats, as `serde_json` read them.
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(truth),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(small), _) => Self::Int(small),
                (None, Some(large)) => Self::from(large),
                (None, None) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Str(text),
            Json::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Json::Object(members) => Self::Map(members.into_iter().map(|(key, value)| (key, value.into())).collect()),
        }
    }
}
