//! What an adapter makes of a signature, demos and inputs.

use predict::{Map, Message, Signature, Value};

use crate::Verdict;
use crate::compare::same;
use crate::decode::{adapter, demos, map, member, signature, text};

pub(crate) fn check(record: &Value) -> Verdict {
    let signature = signature(member(record, "signature")?)?;
    let adapter = adapter(text(record, "adapter")?)?;
    let demos = demos(member(record, "demos")?);
    let mut inputs = map(member(record, "inputs")?);
    fill_defaults(&signature, &mut inputs);
    let formatted = adapter.format(&signature, &demos, &inputs);
    match (record.get("messages"), formatted) {
        (Some(expected), Ok(messages)) => {
            same("messages", expected, &Value::List(messages.iter().map(Message::to_value).collect()))
        }
        (Some(_), Err(error)) => Err(format!("it failed: {error}")),
        (None, Err(_)) => Ok(()),
        (None, Ok(_)) => Err("an error was expected".into()),
    }
}

/// What a predictor does before its adapter formats.
fn fill_defaults(signature: &Signature, inputs: &mut Map) {
    for field in signature.inputs() {
        if let (Some(default), false) = (&field.default, field.default_is_factory || inputs.contains_key(&field.name)) {
            inputs.insert(field.name.clone(), default.clone());
        }
    }
}
