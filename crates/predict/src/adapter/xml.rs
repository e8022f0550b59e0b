//! The XML adapter: every field in an element of its own, lists and models as nested elements.

use super::conversation::{self, Protocol};
use super::json::JsonAdapter;
use super::outcome::Outcome;
use super::value_text::value_text;
use super::{Adapter, FormatError, ParseError, ParseErrorKind, system};
use crate::coerce::{CoerceError, parse_value, validate_by_name};
use crate::example::Example;
use crate::message::Message;
use crate::python::text;
use crate::signature::{Field, Signature};
use crate::typing::{Naming, Type, with_naming};
use crate::value::{Map, Value};

mod outline;
mod read;
mod tree;
mod write;

/// Writes and reads fields as XML elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlAdapter {
    /// Whether tools go to the model natively.
    pub native_tools: bool,
    /// Whether a parse error leads to a second call through [`JsonAdapter`].
    pub json_fallback: bool,
}

impl Default for XmlAdapter {
    fn default() -> Self {
        Self { native_tools: false, json_fallback: true }
    }
}

impl Adapter for XmlAdapter {
    fn name(&self) -> &'static str {
        "XMLAdapter"
    }

    fn format(&self, signature: &Signature, demos: &[Example], inputs: &Map) -> Result<Vec<Message>, FormatError> {
        conversation::messages(self, signature, demos, inputs)
    }

    fn parse(&self, signature: &Signature, completion: &str) -> Result<Map, ParseError> {
        let mut outcome = Outcome::new(self.name(), signature, completion);
        let root = tree::parse(completion)
            .map_err(|reason| outcome.error(ParseErrorKind::Malformed(format!("Failed to parse XML: {reason}"))))?;
        let children = root.groups();
        for field in signature.outputs() {
            if let Some(elements) = children.get(field.name.as_str()) {
                let value = field_value(field, elements).map_err(|failure| {
                    let (raw, error) = *failure;
                    outcome.rejected(field, &raw, error)
                })?;
                outcome.insert(field, value);
            }
        }
        outcome.finish()
    }

    fn native_tools(&self) -> bool {
        self.native_tools
    }

    fn fallback(&self) -> Option<Box<dyn Adapter>> {
        self.json_fallback.then(|| Box::new(JsonAdapter { native_tools: self.native_tools }) as Box<dyn Adapter>)
    }
}

impl Protocol for XmlAdapter {
    fn structure(&self, signature: &Signature) -> Result<String, FormatError> {
        let outline = |field: &Field| match nested_schema(field) {
            Some(schema) => Ok(outline::outline(&field.name, &schema)),
            None => Ok(write::element(&field.name, &system::placeholder(field)?)),
        };
        let inputs = signature.inputs().map(outline).collect::<Result<Vec<_>, FormatError>>()?.join("\n\n");
        let outputs = signature.outputs().map(outline).collect::<Result<Vec<_>, FormatError>>()?.join("\n\n");
        let intro = "All interactions will be structured in the following way, with the appropriate values filled in.";
        Ok(format!("{intro}\n\n{inputs}\n\n{outputs}"))
    }

    fn inputs(&self, signature: &Signature, values: &Map) -> Result<String, FormatError> {
        let present = signature.inputs().filter_map(|field| values.get(&field.name).map(|value| shown(field, value)));
        Ok(text::strip(&present.collect::<Result<Vec<_>, _>>()?.join("\n\n")).to_owned())
    }

    fn reminder(&self, signature: &Signature) -> Result<String, FormatError> {
        let names: Vec<String> = signature.outputs().map(|field| format!("`<{}>`", field.name)).collect();
        let outline = |field: &Field| nested_schema(field).map(|schema| outline::outline(&field.name, &schema));
        let outlines: Vec<String> = signature.outputs().filter_map(outline).collect();
        let names = names.join(", then ");
        let mut reminder = format!("Respond with the corresponding output fields wrapped in XML tags {names}.");
        if !outlines.is_empty() {
            reminder.push_str(" Use this nested XML structure: ");
            reminder.push_str(&outlines.join(" "));
        }
        Ok(reminder)
    }

    fn outputs(&self, signature: &Signature, values: &Map, missing: &Value) -> Result<String, FormatError> {
        let elements = signature.outputs().map(|field| shown(field, values.get(&field.name).unwrap_or(missing)));
        Ok(text::strip(&elements.collect::<Result<Vec<_>, _>>()?.join("\n\n")).to_owned())
    }

    fn native_tools(&self) -> bool {
        self.native_tools
    }
}

/// A field's element with its value.
fn shown(field: &Field, value: &Value) -> Result<String, FormatError> {
    let plain = value.to_plain();
    if !field.is_input() && is_nested(&field.ty) && matches!(plain, Value::List(_) | Value::Map(_)) {
        return Ok(write::nested(&field.name, None, &plain));
    }
    let text = value_text(field, value)?;
    let is_escaped = !field.is_input() && field.ty == Type::Str;
    Ok(write::element(&field.name, &if is_escaped { write::escape(&text) } else { text }))
}

/// Whether values of the type are written as nested elements: models, and lists and dicts with their types given.
fn is_nested(ty: &Type) -> bool {
    let ty = match ty {
        Type::Union(members) => match members.iter().filter(|member| **member != Type::None).collect::<Vec<_>>()[..] {
            [only] => only,
            _ => return false,
        },
        other => other,
    };
    match ty {
        Type::List(Some(items)) => !matches!(
            **items,
            Type::Image
                | Type::Audio
                | Type::File
                | Type::History
                | Type::Tool
                | Type::ToolCalls
                | Type::Code(_)
                | Type::Reasoning
        ),
        Type::Dict(Some(_)) | Type::Model(_) => true,
        _ => false,
    }
}

/// The schema of an output that is written as nested elements.
fn nested_schema(field: &Field) -> Option<Map> {
    if field.is_input() || !is_nested(&field.ty) { None } else { with_naming(&field.ty, Naming::Name) }
}

/// Reads a field from its elements: guided by its type's schema, else by each alternative of it.
fn field_value(field: &Field, elements: &[&tree::Element]) -> Result<Value, Box<(Value, CoerceError)>> {
    let schema = with_naming(&field.ty, Naming::Name).unwrap_or_default();
    let definitions = schema.get("$defs").and_then(Value::as_map).cloned().unwrap_or_default();
    let alternatives =
        schema.get("anyOf").and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_map);
    let mut failure = None;
    for candidate in std::iter::once(&schema).chain(alternatives) {
        let raw = read::value(elements, candidate, &definitions);
        let is_by_name = !matches!(field.ty, Type::Str | Type::Enum(_));
        match parse_value(&raw, &field.ty) {
            Ok(value) => return Ok(value),
            Err(error @ CoerceError::Type(_)) => return Err(Box::new((raw, error))),
            Err(error) => match validate_by_name(&raw, &field.ty) {
                Ok(value) if is_by_name => return Ok(value),
                _ => failure = Some(Box::new((raw, error))),
            },
        }
    }
    Err(failure.expect("at least the schema itself has been tried"))
}
