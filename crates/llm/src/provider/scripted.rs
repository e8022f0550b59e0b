//! Rules instead of a model: offline and deterministic, for the first run, for tests and for benchmarks.
//!
//! The setting `llm_script` holds the rules. The first rule whose text occurs in the last message of the user decides what is
//! answered, how fast, and with which fault:
//!
//! ```json
//! {"rules": [
//!   {"contains": "weather", "answer": "It rains.", "first_token_ms": 200, "token_ms": 20},
//!   {"contains": "busy", "status": 429, "retry_after_ms": 1500},
//!   {"contains": "cut", "cut_after_tokens": 3},
//!   {"contains": "", "answer": "{message}"}
//! ]}
//! ```

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use host::Clock;
use http::StatusCode;
use serde::Deserialize;

use super::openai::refusal;
use crate::{
    catalogue::Deadlines,
    chunk_stream::ChunkStream,
    error::ModelError,
    tokens::estimate_tokens,
    wire::{
        ChatMessage, ChatRequest, Choice, Chunk, ChunkChoice, Completion, Content, Delta, ErrorDetail, Other, Role,
        Usage,
    },
};

/// What is answered where no rule matches.
const DEFAULT_ANSWER: &str = "You said: {message}\nI am the scripted model: I follow rules, offline.";

/// The rules of the scripted model, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    rules: Vec<Rule>,
}

/// Why the setting `llm_script` is not a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is not the JSON that it should be.
    #[error("llm_script is not a script: {0}")]
    Json(#[from] serde_json::Error),
    /// A rule answers with a status that is no error.
    #[error("llm_script has a rule with the status {0}, which is not an error")]
    Status(u16),
}

/// What is answered to some messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Occurs in the messages that this rule is for; the empty text occurs in all.
    contains: String,
    /// The answer; `{message}` in it stands for the message.
    #[serde(default = "default_answer")]
    answer: String,
    /// Time before the first token.
    #[serde(default)]
    first_token_ms: u64,
    /// Time before every other token.
    #[serde(default)]
    token_ms: u64,
    /// The error that a provider answers with, in place of an answer.
    #[serde(default)]
    status: Option<u16>,
    /// The code in OpenAI's error envelope that goes with `status`.
    #[serde(default)]
    code: Option<String>,
    /// The wait that goes with `status`.
    #[serde(default)]
    retry_after_ms: Option<u64>,
    /// The connection breaks after so many tokens.
    #[serde(default)]
    cut_after_tokens: Option<usize>,
    /// Nothing more comes after so many tokens.
    #[serde(default)]
    stall_after_tokens: Option<usize>,
}

impl Script {
    /// The script that the setting `llm_script` holds.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        let script: Self = serde_json::from_str(text)?;
        let is_error =
            |status: u16| StatusCode::from_u16(status).is_ok_and(|s| s.is_client_error() || s.is_server_error());
        match script.rules.iter().filter_map(|rule| rule.status).find(|status| !is_error(*status)) {
            Some(status) => Err(ScriptError::Status(status)),
            None => Ok(script),
        }
    }

    fn rule_for(&self, message: &str) -> Rule {
        let matching = self.rules.iter().find(|rule| message.contains(&rule.contains)).cloned();
        matching.unwrap_or_else(|| Rule {
            contains: String::new(),
            answer: default_answer(),
            first_token_ms: 0,
            token_ms: 0,
            status: None,
            code: None,
            retry_after_ms: None,
            cut_after_tokens: None,
            stall_after_tokens: None,
        })
    }
}

/// The scripted model.
pub(crate) struct Scripted {
    pub(crate) script: Script,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Scripted {
    /// An answer in one piece: the streamed one, put together.
    pub(crate) async fn complete(&self, request: &ChatRequest) -> Result<Completion, ModelError> {
        let mut chunks = self.stream(request)?;
        let (mut text, mut usage) = (String::new(), None);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            text.push_str(chunk.text().unwrap_or_default());
            usage = chunk.usage.or(usage);
        }
        Ok(Completion {
            id: ID.to_owned(),
            object: "chat.completion".to_owned(),
            created: self.clock.now().as_secs(),
            model: request.model.clone(),
            choices: vec![Choice {
                index: 0,
                message: ChatMessage::new(Role::Assistant, text),
                finish_reason: Some("stop".to_owned()),
                other: Other::new(),
            }],
            usage,
            other: Other::new(),
        })
    }

    /// A streamed answer, usage included.
    pub(crate) fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, ModelError> {
        let message = last_user_message(request);
        let rule = self.script.rule_for(&message);
        if let Some(status) = rule.status {
            let detail = ErrorDetail { code: rule.code.map(Into::into), ..ErrorDetail::default() };
            let status = StatusCode::from_u16(status).expect("from_json admits only statuses of errors");
            return Err(refusal(status, rule.retry_after_ms, &detail));
        }
        let answer = rule.answer.replace("{message}", &message);
        let head = Head { created: self.clock.now().as_secs(), model: request.model.clone() };
        let steps = steps(&rule, tokens(&answer), usage(request, &answer));
        let clock = self.clock.clone();
        let chunks = stream::iter(steps).filter_map(move |step| {
            let (clock, head) = (clock.clone(), head.clone());
            async move { step.play(&*clock, &head).await }
        });
        Ok(ChunkStream::new(chunks))
    }
}

const ID: &str = "chatcmpl-scripted";

/// What all chunks of an answer have in common.
#[derive(Clone)]
struct Head {
    created: i64,
    model: String,
}

/// What happens next.
enum Step {
    Wait(Duration),
    Say(ChunkChoice),
    Account(Usage),
    Break,
}

impl Step {
    async fn play(self, clock: &dyn Clock, head: &Head) -> Option<Result<Chunk, ModelError>> {
        let (choices, usage) = match self {
            Self::Wait(duration) => {
                clock.sleep(duration).await;
                return None;
            }
            Self::Break => return Some(Err(ModelError::StreamBroken { reason: "the script says so".into() })),
            Self::Say(choice) => (vec![choice], None),
            Self::Account(usage) => (Vec::new(), Some(usage)),
        };
        Some(Ok(Chunk {
            id: ID.to_owned(),
            object: "chat.completion.chunk".to_owned(),
            created: head.created,
            model: head.model.clone(),
            choices,
            usage,
            other: Other::new(),
            source: Default::default(),
        }))
    }
}

fn steps(rule: &Rule, tokens: Vec<String>, usage: Usage) -> Vec<Step> {
    let mut steps = Vec::new();
    for (position, token) in tokens.into_iter().map(Some).chain([None]).enumerate() {
        if rule.cut_after_tokens == Some(position) {
            steps.push(Step::Break);
            return steps;
        }
        if rule.stall_after_tokens == Some(position) {
            steps.push(Step::Wait(Deadlines::LONGEST));
        }
        let Some(token) = token else { break };
        match if position == 0 { rule.first_token_ms } else { rule.token_ms } {
            0 => {}
            wait_ms => steps.push(Step::Wait(Duration::from_millis(wait_ms))),
        }
        let role = (position == 0).then_some(Role::Assistant);
        let delta = Delta { role, content: Some(token), other: Other::new() };
        steps.push(Step::Say(ChunkChoice { delta, ..ChunkChoice::default() }));
    }
    steps.push(Step::Say(ChunkChoice { finish_reason: Some("stop".to_owned()), ..ChunkChoice::default() }));
    steps.push(Step::Account(usage));
    steps
}

/// Words with the white space that follows them.
fn tokens(answer: &str) -> Vec<String> {
    answer.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

fn usage(request: &ChatRequest, answer: &str) -> Usage {
    let contents = request.messages.iter().filter_map(|message| message.content.as_ref());
    let prompt_tokens = contents.map(|content| estimate_tokens(&content.text())).sum();
    let completion_tokens = u64::try_from(tokens(answer).len()).unwrap_or(u64::MAX);
    Usage { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, other: Other::new() }
}

fn last_user_message(request: &ChatRequest) -> String {
    let last = request.messages.iter().rev().find(|message| message.role == Role::User);
    last.and_then(|message| message.content.as_ref()).map(Content::text).unwrap_or_default()
}

fn default_answer() -> String {
    DEFAULT_ANSWER.to_owned()
}

#[cfg(test)]
mod tests;
