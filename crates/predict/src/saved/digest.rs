//! What a program is, in one number.

use sha2::{Digest, Sha256};

use super::own;
use crate::program::Module;
use crate::python::json;
use crate::value::Value;

/// SHA-256, in hexadecimal digits, over everything that decides how a program behaves and that a file can hold: modules,
/// signatures, types, demos, settings, models, frozen parts, tools by name. Two programs with one digest send the same
/// requests.
#[must_use]
pub fn digest(program: &dyn Module) -> String {
    of(&Value::Map(own::content(program)))
}

pub(super) fn of(content: &Value) -> String {
    let digest = Sha256::digest(json::dumps_compact(content).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
