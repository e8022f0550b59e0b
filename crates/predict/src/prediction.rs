//! What a module predicts.

use std::ops::Index;

use crate::value::{Map, Value};

/// Named outputs, and with several completions those of each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prediction {
    /// The outputs; of the first completion when there are several.
    pub values: Map,
    /// The outputs of every completion, the first included.
    pub completions: Vec<Map>,
}

impl Prediction {
    /// A prediction from completions; its values are those of the first.
    #[must_use]
    pub fn from_completions(completions: Vec<Map>) -> Self {
        Self { values: completions.first().cloned().unwrap_or_default(), completions }
    }

    /// The output called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The output called `name` as text, when it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

impl From<Map> for Prediction {
    fn from(values: Map) -> Self {
        Self { completions: vec![values.clone()], values }
    }
}

impl Index<&str> for Prediction {
    type Output = Value;

    /// # Panics
    /// When there is no such output; [`Prediction::get`] does not.
    fn index(&self, name: &str) -> &Value {
        &self.values[name]
    }
}
