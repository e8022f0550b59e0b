//! The outline of a type: its elements, with dots where the values go.

use crate::value::{Map, Value};

/// The elements of a schema under a tag.
pub(super) fn outline(tag: &str, schema: &Map) -> String {
    let definitions = schema.get("$defs").and_then(Value::as_map).cloned().unwrap_or_default();
    Outliner { definitions: &definitions }.outline(tag, schema, &mut Vec::new())
}

struct Outliner<'a> {
    definitions: &'a Map,
}

impl<'a> Outliner<'a> {
    /// `seen` are the definitions around this place; a type inside itself is only hinted at.
    fn outline(&self, tag: &str, schema: &'a Map, seen: &mut Vec<&'a str>) -> String {
        let leaf = || format!("<{tag}>...</{tag}>");
        if let Some(name) = reference(schema) {
            let Some(target) = self.definitions.get(name).and_then(Value::as_map) else { return leaf() };
            if seen.contains(&name) {
                return leaf();
            }
            seen.push(name);
            let outline = self.outline(tag, target, seen);
            seen.pop();
            return outline;
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_list) {
            let is_null = |choice: &Map| choice.get("type").and_then(Value::as_str) == Some("null");
            let mut choices = choices.iter().filter_map(Value::as_map);
            let first = choices.clone().next();
            return match choices.find(|choice| !is_null(choice)).or(first) {
                Some(choice) => self.outline(tag, choice, seen),
                None => leaf(),
            };
        }
        if schema.get("type").and_then(Value::as_str) == Some("array") {
            let item = match schema.get("items").and_then(Value::as_map) {
                Some(items) => self.outline("item", items, seen),
                None => "<item>...</item>".to_owned(),
            };
            return format!("<{tag}>{item}</{tag}>");
        }
        let properties = schema.get("properties").and_then(Value::as_map).into_iter().flatten();
        let children = properties.filter_map(|(name, child)| Some(self.outline(name, child.as_map()?, seen)));
        let children: String = children.collect();
        if children.is_empty() { leaf() } else { format!("<{tag}>{children}</{tag}>") }
    }
}

/// The name of the definition that a schema refers to.
pub(super) fn reference(schema: &Map) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}
