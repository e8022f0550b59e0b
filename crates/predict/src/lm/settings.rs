//! How a model is to answer: the keyword arguments of a model call, in order.

use serde::{Deserialize, Serialize};

use crate::value::{Map, Value};

/// Settings of a model call by OpenAI's names (`temperature`, `max_tokens`, `stop`, ...), in the order in which they were
/// given. What is not set is not sent.
///
/// A setting that holds `null` is different from one that is absent: laid [`over`](Settings::over) other settings it
/// takes theirs away.
///
/// ```
/// use predict::Settings;
///
/// let defaults = Settings::new().temperature(0.2).max_tokens(500);
/// let request = Settings::new().n(3).set("temperature", None::<f64>).over(&defaults);
/// assert_eq!(request, Settings::new().max_tokens(500).n(3));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map);

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Randomness, 0 to 2.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.set("temperature", temperature)
    }

    /// The most tokens to produce.
    #[must_use]
    pub fn max_tokens(self, tokens: u32) -> Self {
        self.set("max_tokens", tokens)
    }

    /// How many completions.
    #[must_use]
    pub fn n(self, completions: u32) -> Self {
        self.set("n", completions)
    }

    /// Tells otherwise equal requests apart, so that a cache keeps them apart. It is never sent to a provider.
    #[must_use]
    pub fn rollout_id(self, id: i64) -> Self {
        self.set("rollout_id", id)
    }

    /// Any setting.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Sets or replaces a setting in place.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Takes a setting away; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// The setting as it was given; `Some(Null)` when it was explicitly set to nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The setting as a number, when it is one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Value::as_f64)
    }

    /// The setting as an integer, when it is one.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// These settings laid over `base`: what both have is taken from these, in the base's place, and what is `null`
    /// afterwards is gone.
    #[must_use]
    pub fn over(&self, base: &Settings) -> Settings {
        let mut merged = base.clone();
        merged.0.extend(self.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        merged.0.retain(|_, value| !value.is_null());
        merged
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All settings, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }

    /// All settings as one object.
    #[must_use]
    pub fn as_map(&self) -> &Map {
        &self.0
    }
}

impl From<Map> for Settings {
    fn from(map: Map) -> Self {
        Self(map)
    }
}
