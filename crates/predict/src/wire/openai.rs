//! OpenAI's Chat Completions, byte for byte as DSPy's native engine sends it (`docs/prompt-format.md#wire-format`).

use crate::lm::{Capabilities, LmRequest, LmResponse, Settings};
use crate::message::{Message, Role};
use crate::python::json;
use crate::tool::ToolCall;
use crate::value::{Map, Value};

mod answer;
mod catalogue;
mod stream;
mod strict;

pub use answer::{error, response, tool_call};
pub use stream::StreamReader;

/// Settings in the order in which they are sent, with the name that they have there, and whether they are sent as floats.
const SETTINGS: [(&str, &str, bool); 17] = [
    ("max_tokens", "max_completion_tokens", false),
    ("max_completion_tokens", "max_completion_tokens", false),
    ("temperature", "temperature", true),
    ("top_p", "top_p", true),
    ("seed", "seed", false),
    ("frequency_penalty", "frequency_penalty", true),
    ("presence_penalty", "presence_penalty", true),
    ("stop", "stop", false),
    ("logprobs", "logprobs", false),
    ("top_logprobs", "top_logprobs", false),
    ("tools", "tools", false),
    ("tool_choice", "tool_choice", false),
    ("parallel_tool_calls", "parallel_tool_calls", false),
    // `response_format` comes here.
    ("reasoning_effort", "reasoning_effort", false),
    ("service_tier", "service_tier", false),
    ("user", "user", false),
    ("store", "store", false),
];

/// Settings that are not sent: what tells requests apart, and how many there are of them.
const UNSENT: [&str; 3] = ["rollout_id", "n", "num_generations"];

/// The bodies of the requests to `model`: one, or for `n` completions as many of the same.
///
/// ```
/// use predict::wire::openai;
/// use predict::{LmRequest, Message, Role, Settings};
///
/// let request = LmRequest {
///     messages: vec![Message::text(Role::User, "2+2?")],
///     settings: Settings::new().max_tokens(64).temperature(0.0).n(2),
///     ..LmRequest::default()
/// };
/// let bodies = openai::bodies("openai/gpt-4o-mini", &request);
/// let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"2+2?"}],"max_completion_tokens":64,"temperature":0.0}"#;
/// assert_eq!(bodies, [body, body]);
/// ```
#[must_use]
pub fn bodies(model: &str, request: &LmRequest) -> Vec<String> {
    let settings = &request.settings;
    let copies = settings.integer("n").or_else(|| settings.integer("num_generations")).unwrap_or(1).max(1);
    let body = json::dumps_compact(&Value::Map(payload(model, request)));
    vec![body; usize::try_from(copies).unwrap_or(1)]
}

/// The body as an object.
#[must_use]
pub fn payload(model: &str, request: &LmRequest) -> Map {
    let mut payload = crate::map! {
        "model" => model_id(model),
        "messages" => Value::List(request.messages.iter().map(message).collect()),
    };
    for (name, sent_as, as_float) in SETTINGS {
        if name == "reasoning_effort" {
            payload.extend(response_format(request).map(|format| ("response_format".to_owned(), format)));
        }
        if let Some(value) = request.settings.get(name) {
            payload.entry(sent_as.into()).or_insert_with(|| setting(name, value, as_float));
        }
    }
    payload.extend(rest(&request.settings));
    payload
}

/// What a model of this name can do, as far as it is known.
#[must_use]
pub fn capabilities(model: &str) -> Capabilities {
    catalogue::capabilities(model_id(model))
}

/// One answer from the answers to several requests of one call.
#[must_use]
pub fn merged(answers: Vec<LmResponse>) -> LmResponse {
    let mut answers = answers.into_iter();
    let mut merged = answers.next().unwrap_or_default();
    for answer in answers {
        merged.choices.extend(answer.choices);
        merged.usage += answer.usage;
    }
    merged
}

/// The model without its provider.
fn model_id(model: &str) -> &str {
    model.split_once('/').map_or(model, |(_, id)| id)
}

fn setting(name: &str, value: &Value, as_float: bool) -> Value {
    match (name, value) {
        ("stop", Value::Str(stop)) => Value::from(vec![stop.as_str()]),
        (_, Value::Int(number)) if as_float => Value::Float(*number as f64),
        _ => value.clone(),
    }
}

/// Settings that this format does not know, in their order; those of `extra_body` beside the others.
fn rest(settings: &Settings) -> Map {
    let mut rest = Map::new();
    for (name, value) in settings.iter() {
        let known = SETTINGS.iter().any(|(known, ..)| known == name) || name == "response_format";
        match value {
            _ if known || UNSENT.contains(&name.as_str()) => {}
            Value::Map(body) if name == "extra_body" => rest.extend(body.clone()),
            _ => drop(rest.insert(name.clone(), value.clone())),
        }
    }
    rest
}

fn response_format(request: &LmRequest) -> Option<Value> {
    if let Some(schema) = &request.output_schema {
        let named = crate::map! {
            "name" => crate::call::OUTPUTS,
            "schema" => strict::shaped(schema),
            "strict" => true,
        };
        return Some(crate::map! { "type" => "json_schema", "json_schema" => named }.into());
    }
    request.settings.get("response_format").cloned()
}

fn message(message: &Message) -> Value {
    let mut object = crate::map! { "role" => <&str>::from(message.role) };
    if let (Role::Tool, Some(id)) = (message.role, &message.tool_call_id) {
        object.insert("tool_call_id".into(), id.as_str().into());
    }
    object.insert("content".into(), message.content.to_value());
    if !message.tool_calls.is_empty() {
        object.insert("tool_calls".into(), Value::List(message.tool_calls.iter().map(sent_call).collect()));
    }
    object.into()
}

/// A call in an assistant turn: its arguments are compact JSON in ASCII.
fn sent_call(call: &ToolCall) -> Value {
    let arguments = ascii(&json::dumps_compact(&Value::Map(call.args.clone()).to_plain()));
    let function = crate::map! { "name" => call.name.as_str(), "arguments" => arguments };
    crate::map! { "id" => call.id.clone(), "type" => "function", "function" => function }.into()
}

/// JSON with what is not ASCII escaped.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for ch in json.chars() {
        if ch.is_ascii() && ch != '\x7f' {
            text.push(ch);
        } else {
            let mut units = [0; 2];
            ch.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}
