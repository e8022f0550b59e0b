//! The bodies that go to OpenAI's interface.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use predict::python::json;
use predict::wire::openai;
use predict::{Capabilities, Context, Lm, LmError, LmRequest, LmResponse, Predict, Settings, Value};

use super::outcome::same_outcome;
use crate::Verdict;
use crate::compare::same_text;
use crate::decode::{adapter, demos, list, map, member, signature, text};

pub(crate) fn check(record: &Value) -> Verdict {
    let declared = list(record, "predictors")?.first().ok_or("the record has no predictor")?;
    let config = Settings::from(declared.get("config").map(map).unwrap_or_default());
    let predict = Predict::of(signature(member(declared, "signature")?)?)
        .with_config(config)
        .with_demos(demos(declared.get("demos").unwrap_or(&Value::Null)));
    let lm = Arc::new(OpenAi {
        model: text(record, "model")?.to_owned(),
        defaults: Settings::from(record.get("lm_kwargs").map(map).unwrap_or_default()),
        reply: reply(member(record, "reply")?),
        bodies: Mutex::default(),
    });
    let cx = Context::new(lm.clone()).with_shared_adapter(adapter(text(record, "adapter")?)?);
    let run = futures::executor::block_on(cx.run(&predict, map(member(record, "inputs")?)));
    let bodies = lm.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected = list(record, "http")?;
    for (index, (expected, body)) in expected.iter().zip(&bodies).enumerate() {
        same_text(&format!("body {index}"), text(expected, "body_text")?, body)?;
    }
    if bodies.len() != expected.len() {
        return Err(format!("{} requests were sent, expected {}", bodies.len(), expected.len()));
    }
    same_outcome(record, &run.outcome)
}

/// A provider that always gives the same answer.
struct OpenAi {
    model: String,
    defaults: Settings,
    reply: String,
    bodies: Mutex<Vec<String>>,
}

#[async_trait]
impl Lm for OpenAi {
    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        openai::capabilities(&self.model)
    }

    fn defaults(&self) -> Settings {
        self.defaults.clone()
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        let sent = openai::bodies(&self.model, request);
        let answers = sent.iter().map(|_| openai::response(&self.reply)).collect::<Result<Vec<_>, _>>()?;
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).extend(sent);
        Ok(openai::merged(answers))
    }
}

/// The body of the answer that the record tells of.
fn reply(record: &Value) -> String {
    let message = match record {
        Value::Str(text) => predict::map! { "role" => "assistant", "content" => text.as_str() },
        message => message.as_map().cloned().unwrap_or_default(),
    };
    let choice = predict::map! { "index" => 0, "message" => message };
    json::dumps(&Value::Map(predict::map! { "choices" => vec![choice] }))
}
