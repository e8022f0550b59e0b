//! The type that a JSON Schema describes, as far as converting arguments needs it.

use std::sync::Arc;

use crate::typing::model::Default as FieldDefault;
use crate::typing::{ModelField, ModelType, Type};
use crate::value::{Map, Value};

/// The type of a schema without references. What a schema does not say, or says in ways that types cannot, is
/// [`Type::Any`]: the schema itself is checked separately.
#[must_use]
pub fn type_of_schema(schema: &Value) -> Type {
    let Some(schema) = schema.as_map() else { return Type::Any };
    if let Some(values) = schema.get("enum").and_then(Value::as_list) {
        return Type::Literal(values.to_vec());
    }
    if let Some(members) = schema.get("anyOf").and_then(Value::as_list) {
        return Type::Union(members.iter().map(type_of_schema).collect());
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => text(schema),
        Some("integer") => Type::Int,
        Some("number") => Type::Float,
        Some("boolean") => Type::Bool,
        Some("null") => Type::None,
        Some("array") => Type::List(schema.get("items").map(|items| Box::new(type_of_schema(items)))),
        Some("object") => object(schema),
        _ => Type::Any,
    }
}

fn text(schema: &Map) -> Type {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => Type::Date,
        Some("date-time") => Type::DateTime,
        Some("time") => Type::Time,
        Some("duration") => Type::TimeDelta,
        _ => Type::Str,
    }
}

fn object(schema: &Map) -> Type {
    let Some(properties) = schema.get("properties").and_then(Value::as_map) else {
        let values = schema.get("additionalProperties").filter(|values| values.as_map().is_some());
        return Type::Dict(values.map(|values| Box::new((Type::Str, type_of_schema(values)))));
    };
    let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
    let title = schema.get("title").and_then(Value::as_str).unwrap_or("Object");
    let fields = properties.iter().map(|(name, schema)| {
        let mut field = ModelField::new(name, type_of_schema(schema));
        if !required.iter().any(|required| required.as_str() == Some(name)) {
            field.default = Some(FieldDefault::Value(schema.get("default").cloned().unwrap_or_default()));
        }
        field
    });
    Type::Model(Arc::new(fields.fold(ModelType::new(title), ModelType::with)))
}
