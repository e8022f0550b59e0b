//! Small functions on their own: how a value is read, shown or named.

use predict::coerce::{CoerceError, parse_value};
use predict::python::{json_repair, repr};
use predict::signature::infer_prefix;
use predict::{Adapter, ChatAdapter, Content, Field, Map, Signature, Value};

use crate::Verdict;
use crate::compare::{same, same_text};
use crate::decode::{member, signature, text, typed, value};

pub(crate) fn check(record: &Value) -> Verdict {
    match text(record, "unit")? {
        "json_repair" => {
            let repaired = json_repair::loads(text(record, "input")?);
            outcome(record, repaired.map_err(|error| (error.to_string(), true)))
        }
        "coerce" => {
            let read = parse_value(&value(member(record, "input")?), &ty(record)?);
            outcome(record, read.map_err(|error| (error.to_string(), matches!(error, CoerceError::Value(_)))))
        }
        "format_value" => format_value(record),
        "type_hint" => type_hint(record),
        "infer_prefix" => same_text("prefix", text(record, "output")?, &(infer_prefix(text(record, "input")?) + ":")),
        "instructions" => instructions(record),
        "signature_string" => signature_string(record),
        "python_repr" => same_text("text", text(record, "output")?, &repr::str(&value(member(record, "input")?))),
        "pyrandom" => super::pyrandom::check(record),
        other => Err(format!("there is no unit `{other}`")),
    }
}

fn ty(record: &Value) -> Result<predict::Type, String> {
    typed(member(record, "type")?, record.get("json_schema").unwrap_or(&Value::Null))
}

/// The recorded output, or for a recorded error that there is one and whether it is a `ValueError`.
fn outcome(record: &Value, actual: Result<Value, (String, bool)>) -> Verdict {
    match (record.get("error"), actual) {
        (None, Ok(actual)) => same("output", &value(member(record, "output")?), &actual),
        (None, Err((error, _))) => Err(format!("it fails: {error}")),
        (Some(_), Ok(actual)) => Err(format!("it should fail and gives {}", repr::repr(&actual))),
        // Of an exotic record the error is enough; where Python reads bytes, there is text here.
        (Some(_), Err(_)) if record.get("tier") == Some(&Value::from("exotic")) => Ok(()),
        (Some(error), Err((reason, is_value_error))) => {
            let expected = error.get("is_value_error").and_then(Value::as_bool);
            if expected == Some(is_value_error) { Ok(()) } else { Err(format!("another class of error: {reason}")) }
        }
    }
}

/// The value's text, cut out of the user message of a signature with one input.
fn format_value(record: &Value) -> Verdict {
    let signature = Signature::new("One", Some("Do."), vec![Field::input("x", ty(record)?)]);
    let mut inputs = Map::new();
    inputs.insert("x".into(), value(member(record, "input")?));
    let text = match ChatAdapter::default().format(&signature, &[], &inputs) {
        Ok(messages) => match messages.last().map(|message| &message.content) {
            Some(Content::Text(text)) => text.clone(),
            _ => return Err("the user message is no text".into()),
        },
        Err(error) => return outcome(record, Err((error.to_string(), false))),
    };
    let value = text.strip_prefix("[[ ## x ## ]]\n").and_then(|text| text.rsplit_once("\n\nRespond with"));
    outcome(record, Ok(value.ok_or("there is no section")?.0.into()))
}

/// The type's name and the note on an output of it, cut out of the system message.
fn type_hint(record: &Value) -> Verdict {
    let field = Field::output("x", ty(record)?);
    same_text("type name", text(record, "type_name")?, &field.ty.name())?;
    let system = system_text(&Signature::new("One", Some("Do."), vec![field]))?;
    let hint = system.split_once("[[ ## x ## ]]\n").and_then(|(_, rest)| rest.rsplit_once("\n\n[[ ## completed"));
    same_text("hint", text(record, "hint")?, hint.ok_or("there is no section")?.0)
}

fn instructions(record: &Value) -> Verdict {
    let fields = Signature::parse("a -> b").map_err(|error| error.to_string())?.fields().to_vec();
    let signature = Signature::new("One", member(record, "input")?.as_str(), fields);
    same_text("instructions", text(record, "signature_instructions")?, &signature.instructions())?;
    let system = system_text(&signature)?;
    let start = system.find("In adhering to this structure").ok_or("there is no task")?;
    same_text("task", text(record, "task_description")?, &system[start..])
}

fn system_text(signature: &Signature) -> Result<String, String> {
    let messages = ChatAdapter::default().format(signature, &[], &Map::new()).map_err(|error| error.to_string())?;
    match messages.first().map(|message| &message.content) {
        Some(Content::Text(text)) => Ok(text.clone()),
        _ => Err("the system message is no text".into()),
    }
}

fn signature_string(record: &Value) -> Verdict {
    match (record.get("output"), Signature::parse(text(record, "input")?)) {
        (Some(expected), Ok(actual)) => {
            let expected = signature(expected)?;
            same_text("instructions", &expected.instructions(), &actual.instructions())?;
            let equal = expected.fields() == actual.fields();
            if equal { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}")) }
        }
        (Some(_), Err(error)) => Err(format!("it is refused: {error}")),
        (None, Ok(actual)) => Err(format!("it should be refused and is {actual:?}")),
        (None, Err(_)) => Ok(()),
    }
}
