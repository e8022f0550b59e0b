//! From a model's choices to output fields (DSPy's `Adapter._call_postprocess`).

use super::native::tool_calls_field;
use crate::adapter::{Adapter, ParseError, ParseErrorKind};
use crate::lm::Choice;
use crate::signature::Signature;
use crate::tool::ToolCalls;
use crate::typing::Type;
use crate::value::Map;

/// Reads one choice. `rendered` is the signature that the prompt showed, `declared` the one that the caller knows.
pub(super) fn read(
    adapter: &dyn Adapter,
    rendered: &Signature,
    declared: &Signature,
    choice: &Choice,
) -> Result<Map, ParseError> {
    let text = choice.text.as_deref().filter(|text| !text.is_empty());
    let calls_field = tool_calls_field(declared).filter(|_| !choice.tool_calls.is_empty());
    let mut values = match (text, calls_field) {
        (Some(text), None) => adapter.parse(rendered, text)?,
        (text, Some(_)) => beside_tool_calls(adapter, rendered, text)?,
        (None, None) => return Err(empty(adapter, declared, choice)),
    };
    fill(declared, &mut values);
    if let Some(field) = calls_field {
        let calls = ToolCalls { calls: choice.tool_calls.clone(), results: None };
        values.insert(field.to_owned(), calls.into());
    }
    if let Some(reasoning) = &choice.reasoning {
        for field in declared.outputs().filter(|field| field.ty == Type::Reasoning) {
            values.insert(field.name.clone(), reasoning.as_str().into());
        }
    }
    if let Some(logprobs) = choice.logprobs.as_ref().filter(|logprobs| !logprobs.is_null()) {
        values.insert("logprobs".into(), logprobs.clone());
    }
    Ok(values)
}

/// Text beside tool calls is taken where it can be read, and dropped where not.
fn beside_tool_calls(adapter: &dyn Adapter, rendered: &Signature, text: Option<&str>) -> Result<Map, ParseError> {
    let Some(text) = text.filter(|_| rendered.outputs().next().is_some()) else { return Ok(Map::new()) };
    match adapter.parse(rendered, text) {
        Err(error) if matches!(*error.kind, ParseErrorKind::Type { .. }) => Err(error),
        parsed => Ok(parsed.unwrap_or_default()),
    }
}

fn empty(adapter: &dyn Adapter, declared: &Signature, choice: &Choice) -> ParseError {
    ParseError {
        kind: Box::new(ParseErrorKind::Empty),
        adapter: adapter.name(),
        completion: choice.text.clone().unwrap_or_else(|| "None".into()),
        expected: declared.outputs().map(|field| field.name.clone()).collect(),
        parsed: Box::default(),
    }
}

/// Outputs that are still missing take their default, or null.
fn fill(declared: &Signature, values: &mut Map) {
    for field in declared.outputs() {
        if !values.contains_key(&field.name) {
            values.insert(field.name.clone(), field.default.clone().unwrap_or_default());
        }
    }
}
