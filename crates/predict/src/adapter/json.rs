//! The JSON adapter: all outputs in one JSON object.

use super::chat::{input_sections, placeholders, type_note};
use super::conversation::{self, Protocol};
use super::outcome::Outcome;
use super::{Adapter, FormatError, ParseError, ParseErrorKind, system};
use crate::example::Example;
use crate::message::Message;
use crate::python::{json, json_repair, text};
use crate::signature::Signature;
use crate::value::{Map, Value};

/// Asks for a JSON object, where the model can with a schema, and repairs what comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonAdapter {
    /// Whether tools go to the model natively.
    pub native_tools: bool,
}

impl Default for JsonAdapter {
    fn default() -> Self {
        Self { native_tools: true }
    }
}

impl Adapter for JsonAdapter {
    fn name(&self) -> &'static str {
        "JSONAdapter"
    }

    fn format(&self, signature: &Signature, demos: &[Example], inputs: &Map) -> Result<Vec<Message>, FormatError> {
        conversation::messages(self, signature, demos, inputs)
    }

    fn parse(&self, signature: &Signature, completion: &str) -> Result<Map, ParseError> {
        let mut text = completion;
        let mut outcome = Outcome::new(self.name(), signature, completion);
        let malformed = |reason: String| ParseErrorKind::Malformed(reason);
        let mut repaired = json_repair::loads(text).map_err(|error| outcome.error(malformed(error.to_string())))?;
        if repaired.as_map().is_none()
            && let Some(object) = first_balanced_object(text)
        {
            text = object;
            repaired = json_repair::loads(text).map_err(|error| outcome.error(malformed(error.to_string())))?;
        }
        let Value::Map(object) = repaired else {
            let reason = "LM response cannot be serialized to a JSON object.".to_owned();
            return Err(Outcome::new(self.name(), signature, text).error(malformed(reason)));
        };
        for (name, raw) in &object {
            if let Some(field) = signature.outputs().find(|field| field.name == *name) {
                outcome.coerce(field, raw)?;
            }
        }
        outcome.finish()
    }

    fn native_tools(&self) -> bool {
        self.native_tools
    }

    fn structured_output(&self) -> bool {
        true
    }
}

impl Protocol for JsonAdapter {
    fn structure(&self, signature: &Signature) -> Result<String, FormatError> {
        let outputs = signature.outputs().map(|field| Ok((field.name.clone(), system::placeholder(field)?.into())));
        let outputs = outputs.collect::<Result<Map, FormatError>>()?;
        let parts = [
            "All interactions will be structured in the following way, with the appropriate values filled in."
                .to_owned(),
            "Inputs will have the following structure:".to_owned(),
            placeholders(signature.inputs())?,
            "Outputs will be a JSON object with the following fields.".to_owned(),
            json::dumps_indented(&outputs.into()),
        ];
        Ok(text::strip(&parts.join("\n\n")).to_owned())
    }

    fn inputs(&self, signature: &Signature, values: &Map) -> Result<String, FormatError> {
        input_sections(signature, values)
    }

    fn reminder(&self, signature: &Signature) -> Result<String, FormatError> {
        let fields = signature.outputs().map(|field| format!("`{}`{}", field.name, type_note(field)));
        let fields = fields.collect::<Vec<_>>().join(", then ");
        Ok(format!("Respond with a JSON object in the following order of fields: {fields}."))
    }

    fn outputs(&self, signature: &Signature, values: &Map, missing: &Value) -> Result<String, FormatError> {
        let outputs = signature.outputs().map(|field| {
            let value = values.get(&field.name).unwrap_or(missing);
            (field.name.clone(), value.clone())
        });
        Ok(json::dumps_indented(&Value::Map(outputs.collect()).to_plain()))
    }

    fn native_tools(&self) -> bool {
        self.native_tools
    }
}

/// The first `{...}` whose braces balance, braces inside strings counted too: DSPy's recursive expression
/// `\{(?:[^{}]|(?R))*\}`. One pass with a stack finds it: of all pairs of braces, the first to open that does close.
fn first_balanced_object(text: &str) -> Option<&str> {
    let mut open: Vec<usize> = Vec::new();
    let mut first: Option<(usize, usize)> = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => {
                let Some(start) = open.pop() else { continue };
                if first.is_none_or(|(earlier, _)| start < earlier) {
                    first = Some((start, at + 1));
                }
                if open.is_empty() {
                    break;
                }
            }
            _ => {}
        }
    }
    first.map(|(start, end)| &text[start..end])
}

#[cfg(test)]
mod tests {
    use super::first_balanced_object;

    #[test]
    fn the_first_balanced_object_is_found_in_one_pass() {
        assert_eq!(first_balanced_object("a { b {c} d"), Some("{c}"));
        assert_eq!(first_balanced_object("} x {a{b}c} {d}"), Some("{a{b}c}"));
        assert_eq!(first_balanced_object("{{a} {b}"), Some("{a}"));
        assert_eq!(first_balanced_object("none"), None);
        assert_eq!(first_balanced_object(&"{".repeat(1_000_000)), None);
    }
}
