//! Why a value cannot be converted to the type of an argument, in pydantic's words: what agents of DSPy's read.

use crate::coerce;
use crate::python::repr::repr;
use crate::typing::Type;
use crate::value::Value;

/// How many bytes of a value are shown at most.
const SHOWN: usize = 50;

struct Refusal {
    path: String,
    message: String,
    kind: &'static str,
    value: Value,
}

/// The whole message, one paragraph for each place that does not fit.
pub(super) fn told(value: &Value, ty: &Type) -> String {
    let mut refusals = Vec::new();
    collect("value".into(), value, ty, &mut refusals);
    let errors = if refusals.len() == 1 { "error" } else { "errors" };
    let mut text = format!("{} validation {errors} for Wrapper", refusals.len());
    for Refusal { path, message, kind, value } in refusals {
        let (input, class) = (shown(&value), class(&value));
        text.push_str(&format!("\n{path}\n  {message} [type={kind}, input_value={input}, input_type={class}]"));
        text.push_str(&format!("\n    For further information visit https://errors.pydantic.dev/2.14/v/{kind}"));
    }
    text
}

fn collect(path: String, value: &Value, ty: &Type, found: &mut Vec<Refusal>) {
    if coerce::validate(value, ty).is_ok() {
        return;
    }
    match (ty, value) {
        (Type::List(Some(items)), Value::List(given)) => {
            for (index, item) in given.iter().enumerate() {
                collect(format!("{path}.{index}"), item, items, found);
            }
        }
        (Type::Dict(Some(types)), Value::Map(given)) => {
            for (key, item) in given {
                collect(format!("{path}.{key}"), item, &types.1, found);
            }
        }
        (Type::Union(members), _) => {
            let members: Vec<_> = members.iter().filter(|member| **member != Type::None).collect();
            match members.as_slice() {
                [only] => collect(path, value, only, found),
                several => several.iter().for_each(|member| {
                    collect(format!("{path}.{}", member.name().replace(", ", ",")), value, member, found);
                }),
            }
        }
        _ => {
            let (message, kind) = reason(value, ty);
            found.push(Refusal { path, message, kind, value: value.clone() });
        }
    }
}

fn reason(value: &Value, ty: &Type) -> (String, &'static str) {
    let (message, kind) = match (ty, value) {
        (Type::Int, Value::Str(_)) => ("a valid integer, unable to parse string as an integer", "int_parsing"),
        (Type::Int, Value::Float(_)) => ("a valid integer, got a number with a fractional part", "int_from_float"),
        (Type::Int, _) => ("a valid integer", "int_type"),
        (Type::Float, Value::Str(_)) => ("a valid number, unable to parse string as a number", "float_parsing"),
        (Type::Float, _) => ("a valid number", "float_type"),
        (Type::Bool, Value::Str(_) | Value::Int(_)) => ("a valid boolean, unable to interpret input", "bool_parsing"),
        (Type::Bool, _) => ("a valid boolean", "bool_type"),
        (Type::Str, _) => ("a valid string", "string_type"),
        (Type::List(_), _) => ("a valid list", "list_type"),
        (Type::Dict(_), _) => ("a valid dictionary", "dict_type"),
        (Type::Literal(allowed), _) => return (format!("Input should be {}", alternatives(allowed)), "literal_error"),
        _ => {
            let told = coerce::validate(value, ty).err().map(|error| error.to_string());
            return (told.unwrap_or_default(), "value_error");
        }
    };
    (format!("Input should be {message}"), kind)
}

/// `'a', 'b' or 'c'`.
fn alternatives(allowed: &[Value]) -> String {
    let allowed: Vec<_> = allowed.iter().map(repr).collect();
    match allowed.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => allowed.concat(),
    }
}

/// The value as Python prints it, its middle left out when it is long.
fn shown(value: &Value) -> String {
    let text = repr(value);
    if text.len() <= SHOWN {
        return text;
    }
    let (start, end) = (text.floor_char_boundary(SHOWN / 2), text.ceil_char_boundary(text.len() - (SHOWN / 2 - 1)));
    format!("{}...{}", &text[..start], &text[end..])
}

fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::List(_) => "list",
        Value::Map(_) | Value::ToolCalls(_) => "dict",
        Value::Media(_) | Value::Tool(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_loses_its_middle() {
        let value = Value::from("a very long text that goes on and on, well beyond fifty characters, é");
        assert_eq!(shown(&value), "'a very long text that go...nd fifty characters, é'");
    }

    #[test]
    fn every_place_that_does_not_fit_is_told() {
        let told =
            told(&Value::from(vec![Value::from(1), "y".into(), Value::Null]), &Type::optional(Type::list(Type::Int)));
        assert!(
            told.starts_with("2 validation errors for Wrapper\nvalue.1\n  Input should be a valid integer, unable"),
            "{told}"
        );
        assert!(
            told.contains("\nvalue.2\n  Input should be a valid integer [type=int_type, input_value=None"),
            "{told}"
        );
    }
}
