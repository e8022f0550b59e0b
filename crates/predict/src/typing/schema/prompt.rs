//! The order in which prompts show a schema's keys.

use crate::value::{Map, Value};

/// Sorts the keys of every object, `type` first: DSPy's own order, which reaches into `properties` as well.
pub(crate) fn type_first(schema: &Map) -> Map {
    let mut entries: Vec<(&String, &Value)> = schema.iter().collect();
    entries.sort_by_key(|(key, _)| (key.as_str() != "type", key.as_str()));
    entries.into_iter().map(|(key, value)| (key.clone(), value_type_first(value))).collect()
}

fn value_type_first(value: &Value) -> Value {
    match value {
        Value::Map(map) => type_first(map).into(),
        Value::List(items) => Value::List(items.iter().map(value_type_first).collect()),
        other => other.clone(),
    }
}
