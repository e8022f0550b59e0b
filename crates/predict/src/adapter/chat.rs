//! The chat adapter: every field in a section of its own under a `[[ ## name ## ]]` header.

use super::conversation::{self, Protocol};
use super::json::JsonAdapter;
use super::outcome::Outcome;
use super::value_text::value_text;
use super::{Adapter, FormatError, ParseError, system};
use crate::example::Example;
use crate::message::Message;
use crate::python::{text, unicode};
use crate::signature::{Field, Signature};
use crate::typing::Type;
use crate::value::{Map, Value};

/// DSPy's default adapter. A completion that it cannot read is asked for once more through [`JsonAdapter`], unless that
/// is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatAdapter {
    /// Whether tools go to the model natively.
    pub native_tools: bool,
    /// Whether a parse error leads to a second call through [`JsonAdapter`].
    pub json_fallback: bool,
}

impl Default for ChatAdapter {
    fn default() -> Self {
        Self { native_tools: false, json_fallback: true }
    }
}

impl Adapter for ChatAdapter {
    fn name(&self) -> &'static str {
        "ChatAdapter"
    }

    fn format(&self, signature: &Signature, demos: &[Example], inputs: &Map) -> Result<Vec<Message>, FormatError> {
        conversation::messages(self, signature, demos, inputs)
    }

    fn parse(&self, signature: &Signature, completion: &str) -> Result<Map, ParseError> {
        let mut outcome = Outcome::new(self.name(), signature, completion);
        for (name, section) in sections(completion) {
            let Some(field) = signature.outputs().find(|field| field.name == name) else { continue };
            if !outcome.has(name) {
                outcome.coerce(field, &Value::from(section))?;
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

impl Protocol for ChatAdapter {
    fn structure(&self, signature: &Signature) -> Result<String, FormatError> {
        let parts = [
            "All interactions will be structured in the following way, with the appropriate values filled in."
                .to_owned(),
            placeholders(signature.inputs())?,
            placeholders(signature.outputs())?,
            "[[ ## completed ## ]]\n".to_owned(),
        ];
        Ok(text::strip(&parts.join("\n\n")).to_owned())
    }

    fn inputs(&self, signature: &Signature, values: &Map) -> Result<String, FormatError> {
        input_sections(signature, values)
    }

    fn reminder(&self, signature: &Signature) -> Result<String, FormatError> {
        let fields = signature.outputs().map(|field| format!("`[[ ## {} ## ]]`{}", field.name, type_note(field)));
        let fields = fields.collect::<Vec<_>>().join(", then ");
        Ok(format!(
            "Respond with the corresponding output fields, starting with the field {fields}, and then ending with the \
             marker for `[[ ## completed ## ]]`."
        ))
    }

    fn outputs(&self, signature: &Signature, values: &Map, missing: &Value) -> Result<String, FormatError> {
        let blocks = signature.outputs().map(|field| {
            let value = values.get(&field.name).unwrap_or(missing);
            section(field, value)
        });
        let blocks = blocks.collect::<Result<Vec<_>, _>>()?.join("\n\n");
        Ok(format!("{}\n\n[[ ## completed ## ]]\n", text::strip(&blocks)))
    }

    fn native_tools(&self) -> bool {
        self.native_tools
    }
}

/// A field's section: its header and its value.
fn section(field: &Field, value: &Value) -> Result<String, FormatError> {
    Ok(format!("[[ ## {} ## ]]\n{}", field.name, value_text(field, value)?))
}

/// The sections of the input fields that have a value, in the signature's order, between blank lines.
pub(super) fn input_sections(signature: &Signature, values: &Map) -> Result<String, FormatError> {
    let present = signature.inputs().filter_map(|field| values.get(&field.name).map(|value| section(field, value)));
    Ok(present.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
}

/// The sections that show where each field's value goes.
pub(super) fn placeholders<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<String, FormatError> {
    let sections = fields.map(|field| Ok(format!("[[ ## {} ## ]]\n{}", field.name, system::placeholder(field)?)));
    let sections = sections.collect::<Result<Vec<_>, FormatError>>()?.join("\n\n");
    Ok(text::strip(&sections).to_owned())
}

/// What a reminder adds to a field that is not plain text.
pub(super) fn type_note(field: &Field) -> String {
    match &field.ty {
        Type::Str => String::new(),
        Type::ToolCalls => {
            r#" (must be a JSON object like {"tool_calls": [{"name": "...", "args": {...}}]})"#.to_owned()
        }
        other => format!(" (must be formatted as a valid Python {})", other.name()),
    }
}

/// The sections of a completion by header, in order. Text before the first header belongs to none.
fn sections(completion: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text::split_lines(completion) {
        match header(text::strip(line)) {
            Some((name, len)) => {
                // DSPy cuts the line where the header would end had the line not been indented; what an indented
                // header leaves behind becomes content, and here as well.
                let rest = line.char_indices().nth(len).map_or("", |(at, _)| &line[at..]);
                let rest = text::strip(rest);
                sections.push((name, if rest.is_empty() { vec![] } else { vec![rest] }));
            }
            None => {
                if let Some((_, lines)) = sections.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    sections.into_iter().map(|(name, lines)| (name, text::strip(&lines.join("\n")).to_owned())).collect()
}

/// The name in a header that starts the line, and how many characters the header has.
fn header(line: &str) -> Option<(&str, usize)> {
    const OPEN: &str = "[[ ## ";
    const CLOSE: &str = " ## ]]";
    let rest = line.strip_prefix(OPEN)?;
    let end = rest.find(|ch| !unicode::is_word(ch)).filter(|end| *end > 0)?;
    let name = &rest[..end];
    rest[end..].starts_with(CLOSE).then(|| (name, OPEN.len() + name.chars().count() + CLOSE.len()))
}
