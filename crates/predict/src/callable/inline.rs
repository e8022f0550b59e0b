//! JSON Schemas without references: what a tool's arguments are described with.

use crate::typing::Type;
use crate::value::{Map, Value};

/// How deep references are followed; a schema that contains itself ends in an empty schema there.
const DEPTH: usize = 8;

/// The schema of a type with its definitions in place of the references to them; empty where a type has none.
pub(super) fn schema_of(ty: &Type) -> Map {
    let mut schema = ty.json_schema().unwrap_or_default();
    let definitions = schema.shift_remove("$defs");
    match inlined(Value::Map(schema), definitions.as_ref()) {
        Value::Map(schema) => schema,
        _ => Map::new(),
    }
}

/// The schema with what its references refer to in `definitions` in their place.
pub(super) fn inlined(schema: Value, definitions: Option<&Value>) -> Value {
    match definitions {
        Some(definitions) => resolve(schema, definitions, DEPTH),
        None => schema,
    }
}

fn resolve(schema: Value, definitions: &Value, depth: usize) -> Value {
    match schema {
        Value::List(items) => Value::List(items.into_iter().map(|item| resolve(item, definitions, depth)).collect()),
        Value::Map(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
                let definition = definitions.get(name).cloned().unwrap_or_else(|| Value::Map(Map::new()));
                return match depth {
                    0 => Value::Map(Map::new()),
                    _ => resolve(definition, definitions, depth - 1),
                };
            }
            let members = map.into_iter().map(|(key, value)| (key, resolve(value, definitions, depth)));
            Value::Map(members.collect())
        }
        other => other,
    }
}
