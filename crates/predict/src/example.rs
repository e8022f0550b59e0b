//! Examples: the rows of a training set and the demos in a prompt.

use crate::value::{Map, Value};

/// Named values, some of which are inputs. A demo is an example; it may hold keys that its signature does not know
/// (`augmented`, for one), which prompts ignore and saved programs keep.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Example {
    /// The values, in order.
    pub values: Map,
    /// Which of them are inputs; `None` until [`Example::with_inputs`] says so.
    pub input_keys: Option<Vec<String>>,
}

impl Example {
    /// An example whose inputs are not yet told apart from its labels.
    #[must_use]
    pub fn new(values: Map) -> Self {
        Self { values, input_keys: None }
    }

    /// The same example with `keys` as its inputs.
    #[must_use]
    pub fn with_inputs<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.input_keys = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The inputs alone; none when they have not been named.
    #[must_use]
    pub fn inputs(&self) -> Map {
        self.part(true)
    }

    /// Everything that is not an input.
    #[must_use]
    pub fn labels(&self) -> Map {
        self.part(false)
    }

    fn part(&self, inputs: bool) -> Map {
        let is_input = |key: &String| self.input_keys.as_ref().is_some_and(|keys| keys.contains(key));
        self.values.iter().filter(|(key, _)| is_input(key) == inputs).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

impl From<Map> for Example {
    fn from(values: Map) -> Self {
        Self::new(values)
    }
}
