//! What a value of a request is not, in the words of the API.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// Why a value is refused, and where it stands.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// Where, once somebody has said so who knows.
    pub(super) pointer: Option<String>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// A field is not there.
    Missing(&'static str),
    /// A whole predicate: `has to be a string`.
    Says(String),
}

impl Wrong {
    /// The value has to be `wanted`.
    pub(super) fn needs(wanted: impl Display) -> Self {
        Self::says(format!("has to be {wanted}"))
    }

    fn says(predicate: String) -> Self {
        Self { pointer: None, what: What::Says(predicate) }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Missing(name) => write!(f, "`{name}` is required"),
            What::Says(predicate) => f.write_str(predicate),
        }
    }
}

impl std::error::Error for Wrong {}

/// What serde's derived code says is about Rust's types, which are no business of a client; what a type of ours says is meant
/// for them.
impl de::Error for Wrong {
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        // The only message of derived code that comes this way: an untagged enum.
        if message.starts_with("data did not match") {
            return Self::says("is none of the forms that this can have".to_owned());
        }
        Self::says(message)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::needs(in_words(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::needs(in_words(&expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::needs(in_words(&expected.to_string()))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Self::needs(match known.as_slice() {
            [only] => only.clone(),
            several => format!("one of {}", several.join(", ")),
        })
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::says("has a field that is not one of this request".to_owned())
    }

    fn missing_field(name: &'static str) -> Self {
        Self { pointer: None, what: What::Missing(name) }
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::says("has the same field twice".to_owned())
    }
}

/// What `expected` means to somebody who knows JSON and not Rust. The words of our own types pass.
fn in_words(expected: &str) -> &str {
    let first = expected.split([' ', ':']).next().unwrap_or_default();
    match first {
        "bool" => "true or false",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            "a whole number"
        }
        "char" | "string" => "a string",
        "unit" => "null",
        "struct" => "an object",
        "enum" | "variant" | "newtype" | "tuple" | "option" | "internally" | "adjacently" | "field" => "another value",
        _ => match expected {
            "a map" | "map" => "an object",
            "a sequence" | "sequence" => "an array",
            "a borrowed string" | "a character" => "a string",
            _ if expected.contains("tuple") || expected.starts_with("an array of length") => {
                "an array of another length"
            }
            _ => expected,
        },
    }
}
