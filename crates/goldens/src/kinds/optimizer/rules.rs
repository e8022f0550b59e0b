//! A model that answers by a record's rules: the first that fits a request.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use predict::{Content, Lm, LmError, LmRequest, LmResponse, Message, Value};

use crate::decode::{list, text};

/// The model, which keeps what it was asked.
pub(super) struct RuleLm {
    rules: Vec<Rule>,
    default_reply: String,
    requests: Mutex<Vec<LmRequest>>,
}

struct Rule {
    /// All of these are in the last message.
    all_of: Vec<String>,
    /// Each of these is in some message.
    anywhere: Vec<String>,
    min_messages: i64,
    rollout_id: Option<i64>,
    reply: String,
}

impl RuleLm {
    pub(super) fn new(record: &Value) -> Result<Self, String> {
        let rules = list(record, "rules")?.iter().map(Rule::read).collect::<Result<_, _>>()?;
        Ok(Self { rules, default_reply: text(record, "default_reply")?.to_owned(), requests: Mutex::default() })
    }

    /// The requests so far, in order.
    pub(super) fn requests(&self) -> Vec<LmRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Rule {
    fn read(record: &Value) -> Result<Self, String> {
        let texts = |key: &str| {
            let texts = record.get(key).and_then(Value::as_list).unwrap_or_default();
            texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(Self {
            all_of: texts("all_of"),
            anywhere: texts("anywhere"),
            min_messages: record.get("min_messages").and_then(Value::as_i64).unwrap_or(0),
            rollout_id: record.get("rollout_id").and_then(Value::as_i64),
            reply: text(record, "reply")?.to_owned(),
        })
    }

    fn fits(&self, request: &LmRequest) -> bool {
        let texts: Vec<&str> = request.messages.iter().map(content).collect();
        let last = texts.last().copied().unwrap_or_default();
        let rollout_id = request.settings.integer("rollout_id").unwrap_or(0);
        self.all_of.iter().all(|part| last.contains(part))
            && self.anywhere.iter().all(|part| texts.iter().any(|text| text.contains(part)))
            && texts.len() as i64 >= self.min_messages
            && self.rollout_id.is_none_or(|wanted| wanted == rollout_id)
    }
}

fn content(message: &Message) -> &str {
    match &message.content {
        Content::Text(text) => text,
        _ => "",
    }
}

#[async_trait]
impl Lm for RuleLm {
    fn model(&self) -> &str {
        "rules"
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let rule = self.rules.iter().find(|rule| rule.fits(request));
        Ok(LmResponse::text(rule.map_or(self.default_reply.as_str(), |rule| &rule.reply)))
    }
}
