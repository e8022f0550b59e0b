//! The messages of a call, which all adapters put in the same order: system, demos, history, user.

use super::history::{self, HistoryField};
use super::{FormatError, markers, system};
use crate::example::Example;
use crate::message::{Message, Role};
use crate::python::text;
use crate::signature::Signature;
use crate::value::{Map, Value};

/// What an adapter says in its own way.
pub(super) trait Protocol {
    /// The part of the system message that shows the form of a conversation.
    fn structure(&self, signature: &Signature) -> Result<String, FormatError>;

    /// The input values that are present, in the signature's order.
    fn inputs(&self, signature: &Signature, values: &Map) -> Result<String, FormatError>;

    /// What follows the inputs of a request: how to answer.
    fn reminder(&self, signature: &Signature) -> Result<String, FormatError>;

    /// The outputs as the model would have written them; `missing` stands for those that are absent.
    fn outputs(&self, signature: &Signature, values: &Map, missing: &Value) -> Result<String, FormatError>;

    /// Whether tool calls of the history are native messages.
    fn native_tools(&self) -> bool;
}

const INCOMPLETE: &str = "This is an example of the task, though some input or output fields are not supplied.";
const NOT_SUPPLIED: &str = "Not supplied for this particular example. ";

/// All messages of a call.
pub(super) fn messages(
    protocol: &impl Protocol,
    signature: &Signature,
    demos: &[Example],
    inputs: &Map,
) -> Result<Vec<Message>, FormatError> {
    let mut messages = vec![system_message(protocol, signature)?];
    push_demos(&mut messages, protocol, signature, demos)?;
    let user = match HistoryField::of(signature) {
        Some(field) => {
            history::push(&mut messages, protocol, &field, inputs)?;
            user_text(protocol, &field.rest, inputs, "", true)?
        }
        None => user_text(protocol, signature, inputs, "", true)?,
    };
    if !user.is_empty() {
        messages.push(Message::text(Role::User, user));
    }
    Ok(messages.into_iter().map(markers::expand).collect())
}

fn system_message(protocol: &impl Protocol, signature: &Signature) -> Result<Message, FormatError> {
    let fields = system::field_descriptions(signature);
    let structure = protocol.structure(signature)?;
    let task = system::task(signature);
    Ok(Message::text(Role::System, format!("{fields}\n{structure}\n{task}")))
}

/// A user message: what introduces it, the inputs and, for a request, the reminder.
pub(super) fn user_text(
    protocol: &impl Protocol,
    signature: &Signature,
    values: &Map,
    introduction: &str,
    is_request: bool,
) -> Result<String, FormatError> {
    let inputs = protocol.inputs(signature, values)?;
    let reminder = if is_request { protocol.reminder(signature)? } else { String::new() };
    // An empty part still leaves its blank lines to the strip; between two parts that are not empty there is one.
    let parts: Vec<&str> = [introduction, &inputs, &reminder].into_iter().filter(|part| !part.is_empty()).collect();
    Ok(text::strip(&parts.join("\n\n")).to_owned())
}

/// Incomplete demos come first, then complete ones; those without an input or without an output are left out.
fn push_demos(
    messages: &mut Vec<Message>,
    protocol: &impl Protocol,
    signature: &Signature,
    demos: &[Example],
) -> Result<(), FormatError> {
    let has = |demo: &Example, name: &str| demo.values.contains_key(name);
    let is_complete = |demo: &&Example| {
        signature.fields().iter().all(|field| demo.get(&field.name).is_some_and(|value| !value.is_null()))
    };
    let is_usable = |demo: &&Example| {
        signature.inputs().any(|field| has(demo, &field.name))
            && signature.outputs().any(|field| has(demo, &field.name))
    };
    let (complete, others): (Vec<&Example>, Vec<&Example>) = demos.iter().partition(is_complete);
    let incomplete = others.into_iter().filter(is_usable).map(|demo| (demo, INCOMPLETE));
    for (demo, introduction) in incomplete.chain(complete.into_iter().map(|demo| (demo, ""))) {
        let user = user_text(protocol, signature, &demo.values, introduction, false)?;
        let assistant = protocol.outputs(signature, &demo.values, &NOT_SUPPLIED.into())?;
        messages.extend([Message::text(Role::User, user), Message::text(Role::Assistant, assistant)]);
    }
    Ok(())
}
