//! The arguments of a tool call, checked as DSPy checks them: known, valid by JSON Schema, of the declared type, complete.

use super::schema::violation;
use super::{ToolError, refusal};
use crate::coerce;
use crate::python::repr::repr;
use crate::tool::Tool;
use crate::typing::Type;
use crate::value::{Map, Value};

pub(super) fn prepare(
    tool: &Tool,
    types: &[(String, Type)],
    takes_more: bool,
    mut given: Map,
) -> Result<Map, ToolError> {
    for (name, value) in &given {
        match tool.args.get(name).and_then(Value::as_map) {
            Some(schema) => check(name, value, schema)?,
            None if takes_more => {}
            None => return Err(ToolError::value(format!("Arg {name} is not in the tool's args."))),
        }
    }
    for (name, ty) in types {
        if let Some(value) = given.get_mut(name) {
            *value = coerce::validate(value, ty).map_err(|_| invalid(value, ty))?;
        }
    }
    complete(tool, given)
}

/// A schema that names no type is not checked: unions are left to the conversion.
fn check(name: &str, value: &Value, schema: &Map) -> Result<(), ToolError> {
    let typed = schema.get("type").is_some_and(|ty| ty.as_str() != Some("Any"));
    match typed.then(|| violation(value, schema)).flatten() {
        Some(violation) => Err(ToolError::value(format!("Arg {name} is invalid: {violation}"))),
        None => Ok(()),
    }
}

fn invalid(value: &Value, ty: &Type) -> ToolError {
    ToolError::new("pydantic_core._pydantic_core.ValidationError", refusal::told(value, ty))
}

/// The arguments in the order in which they were declared, those that are missing with their defaults.
fn complete(tool: &Tool, mut given: Map) -> Result<Map, ToolError> {
    let mut args = Map::new();
    let mut missing = Vec::new();
    for (name, schema) in &tool.args {
        match given.shift_remove(name).or_else(|| schema.get("default").cloned()) {
            Some(value) => drop(args.insert(name.clone(), value)),
            None => missing.push(repr(&name.as_str().into())),
        }
    }
    if !missing.is_empty() {
        return Err(ToolError::new("TypeError", missing_arguments(&tool.name, &missing)));
    }
    args.extend(given);
    Ok(args)
}

/// Python's words for a call without all its arguments.
fn missing_arguments(tool: &str, names: &[String]) -> String {
    let list = match names {
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
        [] => String::new(),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{tool}() missing {} required positional argument{plural}: {list}", names.len())
}
