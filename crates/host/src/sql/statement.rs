//! A statement that has not been carried out yet.

use std::borrow::Cow;

use super::value::Value;

/// A statement and its parameters.
#[derive(Clone, Debug)]
pub struct Statement {
    /// SQL with a `?` for each parameter.
    pub text: Cow<'static, str>,
    /// What stands for the marks, in their order.
    pub params: Vec<Value>,
}

impl Statement {
    /// `text` with a `?` for each of `params`.
    pub fn new(text: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        Self { text: text.into(), params }
    }
}
