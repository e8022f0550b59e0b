//! Type names as prompts show them, DSPy's `get_annotation_name`.

use super::Type;
use crate::python::repr;
use crate::value::Value;

/// The name of a type.
pub(super) fn of(ty: &Type) -> String {
    match ty {
        Type::List(Some(items)) => format!("list[{}]", of(items)),
        Type::Set(Some(items)) => format!("set[{}]", of(items)),
        Type::FrozenSet(Some(items)) => format!("frozenset[{}]", of(items)),
        Type::Tuple(items) => format!("tuple[{}]", joined(items)),
        Type::VariadicTuple(Some(items)) => format!("tuple[{}, Ellipsis]", of(items)),
        Type::Dict(Some(pair)) => format!("dict[{}, {}]", of(&pair.0), of(&pair.1)),
        Type::Union(members) => format!("Union[{}]", joined(members)),
        Type::Literal(values) => {
            format!("Literal[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Type::Enum(enumeration) => enumeration.name.clone(),
        Type::Model(model) => model.name.clone(),
        Type::Ref(name) => name.clone(),
        Type::Code(Some(language)) => format!("Code_{language}"),
        _ => plain(ty).to_owned(),
    }
}

fn plain(ty: &Type) -> &'static str {
    match ty {
        Type::Str | Type::Reasoning => "str",
        Type::Int => "int",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::Any => "Any",
        Type::None => "NoneType",
        Type::Bytes => "bytes",
        Type::Date => "date",
        Type::DateTime => "datetime",
        Type::Time => "time",
        Type::TimeDelta => "timedelta",
        Type::List(_) => "list",
        Type::Set(_) => "set",
        Type::FrozenSet(_) => "frozenset",
        Type::Tuple(_) | Type::VariadicTuple(_) => "tuple",
        Type::Dict(_) => "dict",
        Type::Image => "Image",
        Type::Audio => "Audio",
        Type::File => "File",
        Type::History => "History",
        Type::Tool => "Tool",
        Type::ToolCalls => "ToolCalls",
        Type::Code(_) => "Code",
        Type::Literal(_) | Type::Union(_) | Type::Enum(_) | Type::Model(_) | Type::Ref(_) => "",
    }
}

fn joined(types: &[Type]) -> String {
    types.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// A value inside `Literal[...]`: text is quoted, by DSPy's own rule rather than Python's.
fn literal(value: &Value) -> String {
    match value {
        Value::Str(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Value::Str(text) if text.contains('"') && text.contains('\'') => format!("'{}'", text.replace('\'', "\\'")),
        Value::Str(text) => format!("'{text}'"),
        other => repr::str(other),
    }
}
