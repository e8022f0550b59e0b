//! A JSON Schema as OpenAI's strict structured outputs take it: every property required, objects closed, `null` defaults
//! dropped, a lone `allOf` and a `$ref` with siblings put in their place (the rules of OpenAI's own client library).

use crate::value::{Map, Value};

/// How deep references with siblings are followed.
const DEPTH: usize = 16;

/// The schema, shaped.
pub(super) fn shaped(schema: &Map) -> Map {
    shape(schema, schema, DEPTH)
}

fn shape(schema: &Map, root: &Map, depth: usize) -> Map {
    let mut shaped = schema.clone();
    for definitions in ["$defs", "definitions"] {
        each(shaped.get_mut(definitions), root, depth);
    }
    if shaped.get("type").and_then(Value::as_str) == Some("object") {
        shaped.entry("additionalProperties".into()).or_insert(Value::Bool(false));
    }
    if let Some(names) =
        shaped.get("properties").and_then(Value::as_map).map(|map| map.keys().cloned().collect::<Vec<_>>())
    {
        shaped.insert("required".into(), names.into());
        each(shaped.get_mut("properties"), root, depth);
    }
    if let Some(Value::Map(items)) = shaped.get_mut("items") {
        *items = shape(items, root, depth);
    }
    each(shaped.get_mut("anyOf"), root, depth);
    match shaped.get("allOf") {
        Some(Value::List(all)) if all.len() == 1 => {
            if let Some(Value::List(all)) = shaped.shift_remove("allOf")
                && let Some(Value::Map(only)) = all.first()
            {
                shaped.extend(shape(only, root, depth));
            }
        }
        _ => each(shaped.get_mut("allOf"), root, depth),
    }
    if shaped.get("default") == Some(&Value::Null) {
        shaped.shift_remove("default");
    }
    unravel(shaped, root, depth)
}

/// A reference beside other keywords becomes what it refers to, the keywords laid over it.
fn unravel(mut schema: Map, root: &Map, depth: usize) -> Map {
    if schema.len() < 2 || depth == 0 {
        return schema;
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| resolve(path, root));
    let Some(target) = target else { return schema };
    let mut unravelled = shape(target, root, depth - 1);
    schema.shift_remove("$ref");
    unravelled.extend(schema);
    unravelled
}

fn resolve<'a>(path: &str, root: &'a Map) -> Option<&'a Map> {
    let mut keys = path.strip_prefix("#/")?.split('/');
    let first = root.get(keys.next()?)?;
    keys.try_fold(first, |node, key| node.get(key))?.as_map()
}

fn each(schemas: Option<&mut Value>, root: &Map, depth: usize) {
    let shape_one = |value: &mut Value| {
        if let Value::Map(schema) = value {
            *schema = shape(schema, root, depth);
        }
    };
    match schemas {
        Some(Value::Map(map)) => map.values_mut().for_each(shape_one),
        Some(Value::List(list)) => list.iter_mut().for_each(shape_one),
        _ => {}
    }
}
