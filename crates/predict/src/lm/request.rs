//! What is asked of a model.

use super::Settings;
use crate::message::Message;
use crate::value::{Map, Value};

/// One request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LmRequest {
    /// The model that a saved predictor asks for; `None` leaves the choice to the [`Lm`](super::Lm).
    pub model: Option<String>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// How the model is to answer; what the model's defaults say has been merged in.
    pub settings: Settings,
    /// The JSON Schema that the answer is to follow, for a model that takes one: the outputs of the signature as
    /// pydantic describes them. A wire format shapes it as its provider wants it.
    pub output_schema: Option<Map>,
}

impl LmRequest {
    /// Everything about the request that may change its answer, as one object with a fixed order of keys: what caches
    /// and journals hash.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut settings = self.settings.as_map().clone();
        settings.sort_keys();
        let mut object = Map::new();
        object.insert("model".into(), self.model.clone().into());
        object.insert("messages".into(), Value::List(self.messages.iter().map(Message::to_value).collect()));
        object.insert("settings".into(), settings.into());
        object.insert("output_schema".into(), self.output_schema.clone().into());
        Value::Map(object)
    }
}
