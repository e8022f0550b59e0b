//! Reading what models write for JSON, with json_repair's heuristics.
//!
//! The decisions are those of json_repair 0.64.6 (Stefano Baccianella and contributors, MIT licence,
//! <https://github.com/mangiucugna/json_repair>), which DSPy reads completions with; its schema, strict and streaming
//! modes are left out. The names of steps follow the original where they correspond, so that the two can be compared.
//!
//! Two things are ours, because completions come from strangers: nesting is bounded by [`MAX_DEPTH`], and the work by a
//! budget that grows with the length of the text. The original looks ahead to the end of the text for many a quote, so
//! that crafted texts take it quadratic time; here they end in [`RepairError::TooCostly`].

use thiserror::Error;

use super::json::{self, DecodeError, MAX_DEPTH};
use crate::value::Value;

mod array;
mod comment;
mod cursor;
mod empty_object;
mod number;
mod object;
mod parenthesized;
mod parse;
mod string;

use cursor::Cursor;

/// A text that is not worth repairing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RepairError {
    /// It nests deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Finding out what it means takes more work than a text of its length deserves.
    #[error("too entangled to repair")]
    TooCostly,
    /// It holds an integer that is too long, or a block of JSON where only a name can stand.
    #[error("beyond repair")]
    Hopeless,
}

/// The value of a text that is JSON or nearly so; an empty text when nothing in it is.
///
/// ```
/// use predict::python::json_repair::loads;
/// use predict::{Value, map};
///
/// let fixed = loads("Sure! ```json\n{'ok': True, items: [1, 2,\n```")?;
/// assert_eq!(fixed, Value::from(map! { "ok" => true, "items" => vec![1, 2] }));
/// assert_eq!(loads("nothing here")?, Value::from(""));
/// # Ok::<(), predict::python::json_repair::RepairError>(())
/// ```
///
/// # Errors
/// When the text is hostile: nested too deep or too costly to repair.
pub fn loads(text: &str) -> Result<Value, RepairError> {
    match json::loads(text) {
        Ok(value) => Ok(value),
        Err(DecodeError::TooDeep) => Err(RepairError::TooDeep),
        Err(DecodeError::Syntax(_) | DecodeError::TooLong) => {
            let mut parser = Parser::new(text);
            let value = parser.top_level();
            match parser.cursor.stopped() {
                Some(error) => Err(error),
                None => Ok(value),
            }
        }
    }
}

/// What surrounds the value that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    ObjectKey,
    ObjectValue,
    Array,
}

struct Parser {
    cursor: Cursor,
    /// The surroundings, outermost first.
    context: Vec<Context>,
    /// Surroundings that the next value is to be read in, left behind by a set that was read as an array.
    deferred: Vec<Context>,
    has_tried_strict: bool,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Self {
        let cursor = Cursor::new(text);
        Self { cursor, context: Vec::new(), deferred: Vec::new(), has_tried_strict: false, depth: 0 }
    }

    fn current(&self) -> Option<Context> {
        self.context.last().copied()
    }

    fn is_within(&self, context: Context) -> bool {
        self.context.contains(&context)
    }

    /// All values at the top level. Several make a list, in which a value of the same shape as the one before replaces
    /// it unless a comma stands between them.
    fn top_level(&mut self) -> Value {
        let first = self.value();
        if self.cursor.is_at_end() {
            return first;
        }
        let mut values = vec![first];
        while !self.cursor.is_at_end() && self.cursor.stopped().is_none() {
            self.context.clear();
            self.deferred.clear();
            let after_comma = self.next_value_follows_a_comma();
            let value = self.value();
            if !is_truthy(&value) {
                self.cursor.index += 1;
                continue;
            }
            let replaces = values.last().is_some_and(|last| {
                let is_update = !after_comma && is_same_shape(last, &value);
                is_update || !is_truthy(last)
            });
            if replaces {
                values.pop();
            }
            values.push(value);
        }
        if values.len() == 1 { values.remove(0) } else { Value::List(values) }
    }

    fn next_value_follows_a_comma(&self) -> bool {
        let next = self.cursor.scroll_space(0);
        self.cursor.at(next) == Some(',') || self.cursor.last_visible_before(self.cursor.index) == Some(',')
    }
}

/// Python's truth of a value.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) => false,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
        _ => true,
    }
}

/// Whether two values have the same types, keys and lengths all the way down.
fn is_same_shape(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| is_same_shape(left, right)))
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same_shape(left, right))
        }
        (Value::Int(_) | Value::BigInt(_), Value::Int(_) | Value::BigInt(_)) => true,
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    }
}
