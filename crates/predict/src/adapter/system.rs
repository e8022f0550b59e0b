//! The parts of the system message that adapters share: what the fields are, what their values must look like and what
//! the task is.

use super::FormatError;
use crate::python::textwrap::dedent;
use crate::python::{json, repr, text};
use crate::signature::{Field, Signature};
use crate::typing::{Type, type_first};

/// The numbered list of inputs and outputs with types and descriptions.
pub(super) fn field_descriptions(signature: &Signature) -> String {
    let inputs = numbered(signature.inputs());
    let outputs = numbered(signature.outputs());
    format!("Your input fields are:\n{inputs}\nYour output fields are:\n{outputs}")
}

fn numbered<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let entries: Vec<String> = fields.enumerate().map(|(index, field)| entry(index + 1, field)).collect();
    text::strip(&entries.join("\n")).to_owned()
}

fn entry(number: usize, field: &Field) -> String {
    let mut entry =
        format!("{number}. `{}` ({}): {}", field.name, field.ty.name(), field.desc.as_deref().unwrap_or(""));
    describe_custom_types(&field.ty, &mut entry);
    if let Some(constraints) = field.constraints.as_deref().filter(|constraints| !constraints.is_empty()) {
        entry.push_str("\nConstraints: ");
        entry.push_str(constraints);
    }
    entry
}

/// Appends what DSPy's own types say of themselves, depth first through type arguments (not through models).
fn describe_custom_types(ty: &Type, entry: &mut String) {
    match ty {
        Type::Code(language) => {
            let language = language.as_deref().unwrap_or("python");
            let description = format!(
                "Code represented in a string, specified in the `code` field. If this is an output field, the code \
                 field should follow the markdown code block format, e.g. \n```{}\n{{code}}\n```\n\
                 Programming language: {language}",
                language.to_lowercase()
            );
            push_description(entry, &ty.name(), &description);
        }
        Type::ToolCalls => {
            let description = "Tool calls must be a JSON object with `tool_calls`, a list of calls. Each call must \
                               include `name` and `args`. Example: {\"tool_calls\": [{\"name\": \"search\", \"args\": \
                               {\"query\": \"cats\"}}]}";
            push_description(entry, "ToolCalls", description);
        }
        _ => ty.arguments().into_iter().for_each(|argument| describe_custom_types(argument, entry)),
    }
}

fn push_description(entry: &mut String, name: &str, description: &str) {
    entry.push_str(&format!("\n    Type description of {name}: {description}"));
}

/// The placeholder of a field, for outputs with a note on what is wanted.
pub(super) fn placeholder(field: &Field) -> Result<String, FormatError> {
    let hint = if field.is_input() { None } else { output_hint(field)? };
    let note = hint.map(|hint| format!("        # note: the value you produce {hint}")).unwrap_or_default();
    Ok(format!("{{{}}}{note}", field.name))
}

fn output_hint(field: &Field) -> Result<Option<String>, FormatError> {
    let options = |values: Vec<String>| values.join("; ");
    let hint = match &field.ty {
        Type::Str | Type::Reasoning | Type::Code(_) => return Ok(None),
        Type::Bool => "must be True or False".to_owned(),
        Type::Int | Type::Float => format!("must be a single {} value", field.ty.name()),
        Type::Enum(enumeration) => {
            let values = enumeration.members.iter().map(|(_, value)| repr::str(value)).collect();
            format!("must be one of: {}", options(values))
        }
        Type::Literal(values) => {
            let values = values.iter().map(repr::str).collect();
            format!("must exactly match (no extra characters) one of: {}", options(values))
        }
        other => {
            let no_schema =
                || FormatError { field: field.name.clone(), reason: format!("{} has no JSON Schema", other.name()) };
            let schema = other.json_schema().ok_or_else(no_schema)?;
            format!("must adhere to the JSON schema: {}", json::dumps(&type_first(&schema).into()))
        }
    };
    Ok(Some(hint))
}

/// The instructions, indented under their heading.
pub(super) fn task(signature: &Signature) -> String {
    let mut task = "In adhering to this structure, your objective is: ".to_owned();
    for line in text::split_lines(&dedent(&signature.instructions())) {
        task.push_str("\n        ");
        task.push_str(line);
    }
    task
}
