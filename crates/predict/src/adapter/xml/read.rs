//! Elements as raw values, guided by a schema.

use super::outline::reference;
use super::tree::Element;
use crate::python::text::strip;
use crate::value::{Map, Value};

/// The raw value of the elements that share a name.
pub(super) fn value(elements: &[&Element], schema: &Map, definitions: &Map) -> Value {
    let schema = reference(schema).and_then(|name| definitions.get(name)?.as_map()).unwrap_or(schema);
    let Some(element) = elements.first() else { return Value::Null };
    let has_children = !element.children.is_empty();
    let mut schema = schema;
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_list) {
        let choices: Vec<&Map> = choices.iter().filter_map(Value::as_map).collect();
        let admits_null = choices.iter().any(|choice| choice.len() == 1 && has_type(choice, "null"));
        if admits_null && !has_children && strip(&element.text).is_empty() {
            return Value::Null;
        }
        let mut choices = choices.into_iter().filter(|choice| !has_type(choice, "null"));
        let Some(first) = choices.clone().next() else { return Value::Null };
        schema = first;
        if has_children {
            schema = choices.find(|choice| !has_type(choice, "string")).unwrap_or(first);
        }
    }
    if has_type(schema, "array") {
        return list(elements, schema, definitions);
    }
    if has_type(schema, "string") && has_children {
        let mut inner = element.text.clone();
        element.children.iter().for_each(|child| child.write(&mut inner));
        return Value::Str(inner);
    }
    if !has_children {
        return scalar(elements, schema);
    }
    object(element, schema, definitions)
}

fn has_type(schema: &Map, name: &str) -> bool {
    schema.get("type").and_then(Value::as_str) == Some(name)
}

/// A list is repeated elements, one element of `item`s, or text that is a list.
fn list(elements: &[&Element], schema: &Map, definitions: &Map) -> Value {
    let empty = Map::new();
    let item_schema = schema.get("items").and_then(Value::as_map).unwrap_or(&empty);
    let mut items = elements.to_vec();
    if let [only] = elements {
        let text = strip(&only.text);
        if only.children.is_empty() && text.is_empty() {
            return Value::List(Vec::new());
        }
        if only.children.is_empty() && text.starts_with('[') {
            return Value::from(text);
        }
        if let Some(inner) = only.groups().shift_remove("item") {
            items = inner;
        }
    }
    Value::List(items.iter().map(|item| value(std::slice::from_ref(item), item_schema, definitions)).collect())
}

/// The text of one element, the texts of several, or an empty object.
fn scalar(elements: &[&Element], schema: &Map) -> Value {
    let texts: Vec<&str> = elements.iter().map(|element| strip(&element.text)).collect();
    match texts[..] {
        ["", ..] if has_type(schema, "object") => Value::Map(Map::new()),
        [only] => Value::from(only),
        _ => Value::from(texts),
    }
}

fn object(element: &Element, schema: &Map, definitions: &Map) -> Value {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_map).unwrap_or(&empty);
    let others = schema.get("additionalProperties").and_then(Value::as_map).unwrap_or(&empty);
    let member = |(name, elements): (&str, Vec<&Element>)| {
        let schema = properties.get(name).and_then(Value::as_map).unwrap_or(others);
        (name.to_owned(), value(&elements, schema, definitions))
    };
    Value::Map(element.groups().into_iter().map(member).collect())
}
