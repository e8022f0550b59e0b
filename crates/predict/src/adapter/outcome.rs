//! What has been read of a completion so far.

use super::{ParseError, ParseErrorKind};
use crate::coerce::{CoerceError, parse_value};
use crate::python::repr;
use crate::signature::{Field, Signature};
use crate::value::{Map, Value};

/// Collects the fields of one completion.
pub(super) struct Outcome<'a> {
    adapter: &'static str,
    signature: &'a Signature,
    completion: &'a str,
    fields: Map,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(adapter: &'static str, signature: &'a Signature, completion: &'a str) -> Self {
        Self { adapter, signature, completion, fields: Map::new() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(super) fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError {
            kind: Box::new(kind),
            adapter: self.adapter,
            completion: self.completion.to_owned(),
            expected: self.signature.outputs().map(|field| field.name.clone()).collect(),
            parsed: Box::new(self.fields.clone()),
        }
    }

    /// Reads a field's value from its raw one.
    pub(super) fn coerce(&mut self, field: &Field, raw: &Value) -> Result<(), ParseError> {
        let value = parse_value(raw, &field.ty).map_err(|error| self.rejected(field, raw, error))?;
        self.insert(field, value);
        Ok(())
    }

    /// Takes a field's value as it is.
    pub(super) fn insert(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name.clone(), value);
    }

    /// The error of a field whose raw value its type does not admit.
    pub(super) fn rejected(&self, field: &Field, raw: &Value, error: CoerceError) -> ParseError {
        let field = field.name.clone();
        self.error(match error {
            CoerceError::Type(reason) => ParseErrorKind::Type { field, reason },
            CoerceError::Value(error) => {
                ParseErrorKind::Coercion { field, value: repr::str(raw), reason: error.to_string() }
            }
        })
    }

    /// The fields in the signature's order, absent ones filled with their default or, where their type admits it, with
    /// nothing.
    pub(super) fn finish(mut self) -> Result<Map, ParseError> {
        let mut complete = Map::new();
        let mut is_complete = true;
        for field in self.signature.outputs() {
            let fallback = || field.default.clone().or_else(|| field.ty.admits_none().then_some(Value::Null));
            match self.fields.shift_remove(&field.name).or_else(fallback) {
                Some(value) => {
                    complete.insert(field.name.clone(), value);
                }
                None => is_complete = false,
            }
        }
        self.fields = complete;
        if is_complete { Ok(self.fields) } else { Err(self.error(ParseErrorKind::Missing)) }
    }
}
