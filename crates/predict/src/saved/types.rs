//! Types of fields as JSON: `{"t": "list", "items": {"t": "int"}}`.

use std::sync::Arc;

use super::own::FileError;
use super::own_value;
use crate::typing::model::{Constraint, Default as FieldDefault};
use crate::typing::{EnumType, ModelField, ModelType, Type};
use crate::value::{Map, Value};

/// Types of one word.
const WORDS: [(&str, Type); 18] = [
    ("str", Type::Str),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("any", Type::Any),
    ("none", Type::None),
    ("bytes", Type::Bytes),
    ("date", Type::Date),
    ("datetime", Type::DateTime),
    ("time", Type::Time),
    ("timedelta", Type::TimeDelta),
    ("image", Type::Image),
    ("audio", Type::Audio),
    ("file", Type::File),
    ("history", Type::History),
    ("tool", Type::Tool),
    ("tool_calls", Type::ToolCalls),
    ("reasoning", Type::Reasoning),
];

/// The type as JSON.
#[must_use]
pub fn encode(ty: &Type) -> Value {
    let tree = |t: &str| crate::map! { "t" => t };
    let with = |t: &str, key: &str, value: Value| {
        let mut tree = tree(t);
        tree.insert(key.into(), value);
        tree
    };
    let items = |items: &Option<Box<Type>>| items.as_deref().map(encode).into();
    let tree = match ty {
        Type::List(inner) => with("list", "items", items(inner)),
        Type::Set(inner) => with("set", "items", items(inner)),
        Type::FrozenSet(inner) => with("frozenset", "items", items(inner)),
        Type::VariadicTuple(inner) => with("variadic_tuple", "items", items(inner)),
        Type::Tuple(inner) => with("tuple", "items", Value::List(inner.iter().map(encode).collect())),
        Type::Dict(None) => tree("dict"),
        Type::Dict(Some(inner)) => {
            let mut tree = with("dict", "keys", encode(&inner.0));
            tree.insert("values".into(), encode(&inner.1));
            tree
        }
        Type::Literal(values) => with("literal", "values", own_value::encode_all(values)),
        Type::Union(args) => with("union", "args", Value::List(args.iter().map(encode).collect())),
        Type::Enum(enumeration) => encode_enum(enumeration),
        Type::Model(model) => encode_model(model),
        Type::Ref(name) => with("ref", "name", name.as_str().into()),
        Type::Code(language) => with("code", "language", language.clone().into()),
        word => tree(WORDS.iter().find(|(_, ty)| ty == word).map_or("any", |(name, _)| name)),
    };
    Value::Map(tree)
}

fn encode_enum(enumeration: &EnumType) -> Map {
    let member = |(name, value): &(String, Value)| Value::List(vec![name.as_str().into(), own_value::encode(value)]);
    crate::map! {
        "t" => "enum",
        "name" => enumeration.name.as_str(),
        "doc" => enumeration.doc.clone(),
        "members" => Value::List(enumeration.members.iter().map(member).collect()),
    }
}

fn encode_model(model: &ModelType) -> Map {
    crate::map! {
        "t" => "model",
        "name" => model.name.as_str(),
        "doc" => model.doc.clone(),
        "extra" => <&str>::from(model.extra),
        "fields" => Value::List(model.fields.iter().map(|field| encode_field(field).into()).collect()),
    }
}

fn encode_field(field: &ModelField) -> Map {
    let mut encoded = crate::map! {
        "name" => field.name.as_str(),
        "alias" => field.alias.clone(),
        "type" => encode(&field.ty),
        "description" => field.description.clone(),
        "constraints" => Value::List(field.constraints.iter().map(encode_constraint).collect()),
    };
    match &field.default {
        None => {}
        Some(FieldDefault::Value(value)) => drop(encoded.insert("default".into(), own_value::encode(value))),
        Some(FieldDefault::Factory(value)) => drop(encoded.insert("default_factory".into(), own_value::encode(value))),
    }
    encoded
}

fn encode_constraint(constraint: &Constraint) -> Value {
    let (name, value) = match constraint {
        Constraint::Gt(value) => ("gt", own_value::encode(value)),
        Constraint::Ge(value) => ("ge", own_value::encode(value)),
        Constraint::Lt(value) => ("lt", own_value::encode(value)),
        Constraint::Le(value) => ("le", own_value::encode(value)),
        Constraint::MultipleOf(value) => ("multiple_of", own_value::encode(value)),
        Constraint::MinLen(length) => ("min_len", (*length).into()),
        Constraint::MaxLen(length) => ("max_len", (*length).into()),
        Constraint::Pattern(pattern) => ("pattern", pattern.as_str().into()),
    };
    Value::List(vec![name.into(), value])
}

/// The type that the JSON describes.
///
/// # Errors
/// When it describes none.
pub fn decode(value: &Value) -> Result<Type, FileError> {
    let tree = object(value, "a type")?;
    let name = text(tree, "t")?;
    if let Some((_, word)) = WORDS.iter().find(|(word, _)| *word == name) {
        return Ok(word.clone());
    }
    let items = || match tree.get("items") {
        None | Some(Value::Null) => Ok(None),
        Some(items) => decode(items).map(|ty| Some(Box::new(ty))),
    };
    match name {
        "list" => Ok(Type::List(items()?)),
        "set" => Ok(Type::Set(items()?)),
        "frozenset" => Ok(Type::FrozenSet(items()?)),
        "variadic_tuple" => Ok(Type::VariadicTuple(items()?)),
        "tuple" => Ok(Type::Tuple(list(tree, "items")?.iter().map(decode).collect::<Result<_, _>>()?)),
        "dict" => match (tree.get("keys"), tree.get("values")) {
            (Some(keys), Some(values)) => Ok(Type::dict(decode(keys)?, decode(values)?)),
            _ => Ok(Type::Dict(None)),
        },
        "literal" => Ok(Type::Literal(own_value::decode_all(list(tree, "values")?)?)),
        "union" => Ok(Type::Union(list(tree, "args")?.iter().map(decode).collect::<Result<_, _>>()?)),
        "enum" => decode_enum(tree),
        "model" => decode_model(tree),
        "ref" => Ok(Type::Ref(text(tree, "name")?.to_owned())),
        "code" => Ok(Type::Code(optional_text(tree, "language"))),
        other => Err(FileError::invalid(format!("`{other}` is no type"))),
    }
}

fn decode_enum(tree: &Map) -> Result<Type, FileError> {
    let mut enumeration = EnumType::new(text(tree, "name")?);
    enumeration.doc = optional_text(tree, "doc");
    for member in list(tree, "members")? {
        let Some([Value::Str(name), value]) = member.as_list() else {
            return Err(FileError::invalid("a member of an enumeration is its name and its value"));
        };
        enumeration = enumeration.member(name, own_value::decode(value)?);
    }
    Ok(Type::Enum(Arc::new(enumeration)))
}

fn decode_model(tree: &Map) -> Result<Type, FileError> {
    let mut model = ModelType::new(text(tree, "name")?);
    model.doc = optional_text(tree, "doc");
    if let Some(extra) = optional_text(tree, "extra") {
        let unknown = |_| FileError::invalid(format!("`{extra}` is no way to treat extra keys"));
        model.extra = extra.parse().map_err(unknown)?;
    }
    for field in list(tree, "fields")? {
        model = model.with(decode_field(object(field, "a field of a model")?)?);
    }
    Ok(Type::Model(Arc::new(model)))
}

fn decode_field(encoded: &Map) -> Result<ModelField, FileError> {
    let ty = encoded.get("type").ok_or_else(|| FileError::missing("type"))?;
    let mut field = ModelField::new(text(encoded, "name")?, decode(ty)?);
    field.alias = optional_text(encoded, "alias");
    field.description = optional_text(encoded, "description");
    field.default = match (encoded.get("default"), encoded.get("default_factory")) {
        (Some(value), _) => Some(FieldDefault::Value(own_value::decode(value)?)),
        (None, Some(value)) => Some(FieldDefault::Factory(own_value::decode(value)?)),
        (None, None) => None,
    };
    for constraint in encoded.get("constraints").and_then(Value::as_list).unwrap_or_default() {
        field = field.constrained(decode_constraint(constraint)?);
    }
    Ok(field)
}

fn decode_constraint(value: &Value) -> Result<Constraint, FileError> {
    let unknown = || FileError::invalid("a constraint is its name and its limit");
    let Some([Value::Str(name), limit]) = value.as_list() else { return Err(unknown()) };
    let length = || limit.as_i64().and_then(|length| usize::try_from(length).ok()).ok_or_else(unknown);
    Ok(match name.as_str() {
        "gt" => Constraint::Gt(own_value::decode(limit)?),
        "ge" => Constraint::Ge(own_value::decode(limit)?),
        "lt" => Constraint::Lt(own_value::decode(limit)?),
        "le" => Constraint::Le(own_value::decode(limit)?),
        "multiple_of" => Constraint::MultipleOf(own_value::decode(limit)?),
        "min_len" => Constraint::MinLen(length()?),
        "max_len" => Constraint::MaxLen(length()?),
        "pattern" => Constraint::Pattern(limit.as_str().ok_or_else(unknown)?.to_owned()),
        _ => return Err(unknown()),
    })
}

pub(super) fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map, FileError> {
    value.as_map().ok_or_else(|| FileError::invalid(format!("{what} is an object")))
}

pub(super) fn text<'a>(map: &'a Map, key: &str) -> Result<&'a str, FileError> {
    map.get(key).and_then(Value::as_str).ok_or_else(|| FileError::missing(key))
}

pub(super) fn list<'a>(map: &'a Map, key: &str) -> Result<&'a [Value], FileError> {
    map.get(key).and_then(Value::as_list).ok_or_else(|| FileError::missing(key))
}

pub(super) fn optional_text(map: &Map, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}
