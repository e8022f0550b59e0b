//! Values that go into and come out of statements.

use std::time::Duration;

use ids::Timestamp;

/// A value of a parameter or a column: what both databases can say without loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// Any integer column.
    Integer(i64),
    /// FLOAT and DOUBLE.
    Real(f64),
    /// CHAR, VARCHAR, TEXT, JSON.
    Text(String),
    /// BINARY, VARBINARY, BLOB; on MariaDB also texts of a `_bin` collation, which [`FromValue`] for `String` accepts.
    Blob(Vec<u8>),
}

/// A value of a row is not what the reader expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} is not {expected}")]
pub struct DecodeError {
    /// Position of the column, from 0.
    pub column: usize,
    /// What the reader expected.
    pub expected: &'static str,
}

/// One row of a result, read by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of `values`, in the order of the SELECT.
    pub fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The value of the column at `column` (from 0), as a `T`.
    pub fn get<T: FromValue>(&self, column: usize) -> Result<T, DecodeError> {
        self.0.get(column).and_then(T::from_value).ok_or(DecodeError { column, expected: std::any::type_name::<T>() })
    }

    /// The text at `column`, read by its `FromStr`: an id, an enum.
    pub fn parse<T: std::str::FromStr>(&self, column: usize) -> Result<T, DecodeError> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| DecodeError { column, expected: std::any::type_name::<T>() })
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// The value as `Self`, if it is one.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|integer| integer != 0)
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(real) => Some(*real),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        value.as_text().map(str::to_owned)
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            Value::Text(text) => Some(text.clone().into_bytes()),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_millis)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Blob(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

/// No count of ours comes near the largest that a column holds; one beyond it would become that.
impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        u64::try_from(count).unwrap_or(u64::MAX).into()
    }
}

impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(moment.as_millis())
    }
}

/// In milliseconds, as [`Timestamp`]s are.
impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Lets types be bound to statements and be read from rows that are texts there: what their `Display` writes and their `FromStr`
/// reads. All ids are; a capability says it of its named enums: `text_values!(Status, Author);`.
#[macro_export]
macro_rules! text_values {
    ($($name:ty),* $(,)?) => {$(
        impl ::std::convert::From<$name> for $crate::sql::Value {
            fn from(value: $name) -> Self {
                Self::Text(::std::string::ToString::to_string(&value))
            }
        }

        impl $crate::sql::FromValue for $name {
            fn from_value(value: &$crate::sql::Value) -> ::std::option::Option<Self> {
                value.as_text()?.parse().ok()
            }
        }
    )*};
}

/// As [`text_values!`], of what [`ids::for_each_id!`] lists.
macro_rules! id_values {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal,)*) => { text_values!($(::ids::$name),*); };
}

ids::for_each_id!(id_values);
