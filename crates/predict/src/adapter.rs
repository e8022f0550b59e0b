//! Adapters: how a signature, demos and inputs become messages, and how a completion becomes fields again.

use crate::example::Example;
use crate::message::Message;
use crate::signature::Signature;
use crate::value::Map;

mod chat;
mod conversation;
mod error;
mod history;
mod json;
mod markers;
mod outcome;
mod system;
mod value_text;
mod xml;

pub use chat::ChatAdapter;
pub use error::{FormatError, ParseError, ParseErrorKind};
pub use json::JsonAdapter;
pub use xml::XmlAdapter;

/// The protocol spoken with a model. Implementations are pure: the same arguments give the same messages.
pub trait Adapter: Send + Sync {
    /// DSPy's name of the adapter, which parse errors carry.
    fn name(&self) -> &'static str;

    /// The messages of one call: system, demos, history, user.
    ///
    /// # Errors
    /// When a value cannot be shown at all (DSPy's `TypeError`s).
    fn format(&self, signature: &Signature, demos: &[Example], inputs: &Map) -> Result<Vec<Message>, FormatError>;

    /// Reads the output fields from one completion, in the signature's order.
    ///
    /// # Errors
    /// When fields are missing or hold what their type does not admit.
    fn parse(&self, signature: &Signature, completion: &str) -> Result<Map, ParseError>;

    /// Whether tools go to the model natively when both the signature and the model allow it.
    fn native_tools(&self) -> bool {
        false
    }

    /// Whether the model is asked for structured output (`response_format`) when it supports that.
    fn structured_output(&self) -> bool {
        false
    }

    /// The adapter with which a call is repeated once after a [`ParseError`], if any.
    fn fallback(&self) -> Option<Box<dyn Adapter>> {
        None
    }
}

/// The inputs that have a value, each in a section of its own, without the reminder of a whole message: how an agent
/// shows its trajectory, whatever the adapter.
///
/// # Errors
/// When a value cannot be shown.
pub fn input_blocks(signature: &Signature, values: &Map) -> Result<String, FormatError> {
    Ok(crate::python::text::strip(&chat::input_sections(signature, values)?).to_owned())
}
