//! Whether a value follows a JSON Schema, in the words of Python's `jsonschema` 4, which DSPy shows to the model.
//!
//! The keywords are those that descriptions of arguments use; others are ignored, `format` among them, as `jsonschema`
//! does by default. Schemas hold no references here.

use std::cmp::Ordering;

use crate::python::eq;
use crate::python::repr::repr;
use crate::value::{Map, Value};

/// What is wrong with the value, most relevant first; `None` when nothing is.
#[must_use]
pub fn violation(value: &Value, schema: &Map) -> Option<String> {
    best(violations(value, schema, &[])).map(|violation| violation.message)
}

struct Violation {
    path: Vec<Step>,
    keyword: &'static str,
    message: String,
    /// Whether the value is at least of the type that the violated schema names.
    fits_type: bool,
    context: Vec<Violation>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(usize),
    Key(String),
}

/// `jsonschema.exceptions.best_match`: the shallowest violation, an alternative's own violations rather than the
/// alternative where one of them stands out.
fn best(violations: Vec<Violation>) -> Option<Violation> {
    let mut best = violations.into_iter().reduce(|best, other| match relevance(&other, &best) {
        Ordering::Greater => other,
        _ => best,
    })?;
    while !best.context.is_empty() {
        best.context.sort_by(relevance);
        if best.context.len() > 1 && relevance(&best.context[0], &best.context[1]).is_eq() {
            break;
        }
        best = best.context.swap_remove(0);
    }
    Some(best)
}

fn relevance(left: &Violation, right: &Violation) -> Ordering {
    let depth = right.path.len().cmp(&left.path.len());
    let weak = |violation: &Violation| matches!(violation.keyword, "anyOf" | "oneOf");
    depth
        .then_with(|| left.path.cmp(&right.path))
        .then_with(|| weak(right).cmp(&weak(left)))
        .then_with(|| right.fits_type.cmp(&left.fits_type))
}

fn violations(value: &Value, schema: &Map, path: &[Step]) -> Vec<Violation> {
    let fits_type = schema.get("type").is_some_and(|ty| types(ty).any(|ty| is_type(value, ty)));
    let violated =
        |keyword, message| Violation { path: path.to_vec(), keyword, message, fits_type, context: Vec::new() };
    let mut found = Vec::new();
    for (keyword, rule) in schema {
        match (keyword.as_str(), rule) {
            ("type", rule) if !types(rule).any(|ty| is_type(value, ty)) => {
                let names: Vec<_> = types(rule).map(|ty| repr(&ty.into())).collect();
                found.push(violated("type", format!("{} is not of type {}", repr(value), names.join(", "))));
            }
            ("enum", Value::List(allowed)) if !allowed.iter().any(|allowed| same(allowed, value)) => {
                found.push(violated("enum", format!("{} is not one of {}", repr(value), repr(rule))));
            }
            ("const", rule) if !same(rule, value) => {
                found.push(violated("const", format!("{} was expected", repr(rule))))
            }
            ("anyOf", Value::List(members)) => {
                let context: Vec<_> = members.iter().map(|member| within(value, member, path, None)).collect();
                if context.iter().all(|violations| !violations.is_empty()) {
                    let message = format!("{} is not valid under any of the given schemas", repr(value));
                    let context = context.into_iter().flatten().collect();
                    found.push(Violation { context, ..violated("anyOf", message) });
                }
            }
            ("allOf", Value::List(members)) => {
                found.extend(members.iter().flat_map(|member| within(value, member, path, None)));
            }
            (keyword, rule) => match value {
                Value::Map(object) => found.extend(object_violations(keyword, rule, object, schema, path, &violated)),
                Value::List(items) => found.extend(list_violations(keyword, rule, value, items, path, &violated)),
                _ => found.extend(scalar_violation(keyword, rule, value).map(|message| violated("limit", message))),
            },
        }
    }
    found
}

fn within(value: &Value, schema: &Value, path: &[Step], step: Option<Step>) -> Vec<Violation> {
    let path: Vec<_> = path.iter().cloned().chain(step).collect();
    schema.as_map().map(|schema| violations(value, schema, &path)).unwrap_or_default()
}

fn object_violations(
    keyword: &str,
    rule: &Value,
    object: &Map,
    schema: &Map,
    path: &[Step],
    violated: &impl Fn(&'static str, String) -> Violation,
) -> Vec<Violation> {
    let declared = schema.get("properties").and_then(Value::as_map);
    let extra = || object.iter().filter(move |(key, _)| !declared.is_some_and(|declared| declared.contains_key(*key)));
    let at = |key: &str| Some(Step::Key(key.to_owned()));
    match (keyword, rule) {
        ("required", Value::List(names)) => {
            let missing = names.iter().filter(|name| name.as_str().is_some_and(|name| !object.contains_key(name)));
            missing.map(|name| violated("required", format!("{} is a required property", repr(name)))).collect()
        }
        ("properties", Value::Map(properties)) => {
            let given = properties.iter().filter_map(|(key, schema)| Some((key, schema, object.get(key)?)));
            given.flat_map(|(key, schema, value)| within(value, schema, path, at(key))).collect()
        }
        ("additionalProperties", Value::Bool(false)) => {
            let mut names: Vec<_> = extra().map(|(key, _)| repr(&key.as_str().into())).collect();
            names.sort();
            let verb = if names.len() == 1 { "was" } else { "were" };
            let message = format!("Additional properties are not allowed ({} {verb} unexpected)", names.join(", "));
            if names.is_empty() { Vec::new() } else { vec![violated("additionalProperties", message)] }
        }
        ("additionalProperties", schema) => {
            extra().flat_map(|(key, value)| within(value, schema, path, at(key))).collect()
        }
        _ => Vec::new(),
    }
}

fn list_violations(
    keyword: &str,
    rule: &Value,
    value: &Value,
    items: &[Value],
    path: &[Step],
    violated: &impl Fn(&'static str, String) -> Violation,
) -> Vec<Violation> {
    let check = |(index, (value, schema))| within(value, schema, path, Some(Step::Index(index)));
    match (keyword, rule) {
        ("items", schema) => items.iter().map(|item| (item, schema)).enumerate().flat_map(check).collect(),
        ("prefixItems", Value::List(schemas)) => items.iter().zip(schemas).enumerate().flat_map(check).collect(),
        ("uniqueItems", Value::Bool(true)) if has_equals(items) => {
            vec![violated("uniqueItems", format!("{} has non-unique elements", repr(value)))]
        }
        _ => too_short_or_long(keyword, rule, "Items", items.len(), value)
            .map(|m| violated("limit", m))
            .into_iter()
            .collect(),
    }
}

fn scalar_violation(keyword: &str, rule: &Value, value: &Value) -> Option<String> {
    if let Value::Str(text) = value {
        return too_short_or_long(keyword, rule, "Length", text.chars().count(), value);
    }
    let (number, limit) = (value.as_f64()?, rule.as_f64()?);
    let words = match keyword {
        "minimum" if number < limit => "less than the minimum of",
        "maximum" if number > limit => "greater than the maximum of",
        "exclusiveMinimum" if number <= limit => "less than or equal to the minimum of",
        "exclusiveMaximum" if number >= limit => "greater than or equal to the maximum of",
        "multipleOf" if (number / limit).fract() != 0.0 => "not a multiple of",
        _ => return None,
    };
    Some(format!("{} is {words} {}", repr(value), repr(rule)))
}

fn too_short_or_long(keyword: &str, rule: &Value, of: &str, length: usize, value: &Value) -> Option<String> {
    let limit = usize::try_from(rule.as_i64()?).ok()?;
    let (bound, kind) = keyword.split_at_checked(3)?;
    let words = match bound {
        _ if kind != of => return None,
        "min" if length < limit && limit == 1 => "should be non-empty",
        "min" if length < limit => "is too short",
        "max" if length > limit && limit == 0 => "is expected to be empty",
        "max" if length > limit => "is too long",
        _ => return None,
    };
    Some(format!("{} {words}", repr(value)))
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_list().unwrap_or(std::slice::from_ref(rule)).iter().filter_map(Value::as_str)
}

fn is_type(value: &Value, ty: &str) -> bool {
    match value {
        Value::Null => ty == "null",
        Value::Bool(_) => ty == "boolean",
        Value::Int(_) | Value::BigInt(_) => matches!(ty, "integer" | "number"),
        Value::Float(number) => ty == "number" || ty == "integer" && number.fract() == 0.0,
        Value::Str(_) => ty == "string",
        Value::List(_) => ty == "array",
        Value::Map(_) => ty == "object",
        Value::Media(_) | Value::Tool(_) | Value::ToolCalls(_) => false,
    }
}

/// Equality for which, unlike Python's, truth values are no numbers.
fn same(left: &Value, right: &Value) -> bool {
    left.as_bool().is_some() == right.as_bool().is_some() && eq::equals(left, right)
}

fn has_equals(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(index, item)| items[..index].iter().any(|earlier| same(earlier, item)))
}
