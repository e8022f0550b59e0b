//! A scripted model as records describe it, and what it was asked.

use std::sync::Arc;

use predict::wire::openai;
use predict::{
    Capabilities, Choice, LmError, LmErrorKind, LmRequest, LmResponse, Map, Message, ScriptedLm, Settings, Value,
};

use crate::Verdict;
use crate::compare::same;
use crate::decode::map;

/// The model of a record: `script`, `lm_capabilities`, `lm_kwargs`.
pub(crate) fn lm(record: &Value) -> Arc<ScriptedLm> {
    let script = record.get("script").and_then(Value::as_list).unwrap_or_default();
    let mut defaults = record.get("lm_kwargs").map(map).unwrap_or_default();
    let model = defaults.shift_remove("model");
    let lm = ScriptedLm::new(script.iter().map(reply))
        .with_capabilities(capabilities(record.get("lm_capabilities").unwrap_or(&Value::Null)))
        .with_defaults(Settings::from(defaults));
    Arc::new(match model.as_ref().and_then(Value::as_str) {
        Some(model) => lm.with_model(model),
        None => lm,
    })
}

fn capabilities(record: &Value) -> Capabilities {
    let is = |key: &str| record.get(key) == Some(&Value::Bool(true));
    let params = record.get("params").and_then(Value::as_list).unwrap_or_default();
    Capabilities {
        response_format: params.contains(&"response_format".into()),
        response_schema: is("response_schema"),
        function_calling: is("function_calling"),
        reasoning: is("reasoning"),
    }
}

fn reply(item: &Value) -> Result<LmResponse, LmError> {
    if let Some(class) = item.get("raise").and_then(Value::as_str) {
        return Err(LmError::new(error_kind(class), "scripted"));
    }
    let one = std::slice::from_ref(item);
    let choices = item.get("choices").and_then(Value::as_list).unwrap_or(one);
    Ok(LmResponse { choices: choices.iter().map(choice).collect(), ..LmResponse::default() })
}

fn choice(item: &Value) -> Choice {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let calls = item.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    Choice {
        text: item.as_str().map(str::to_owned).or_else(|| text("text")),
        tool_calls: calls.iter().map(openai::tool_call).collect(),
        reasoning: text("reasoning_content"),
        logprobs: item.get("logprobs").cloned(),
        finish_reason: None,
    }
}

/// DSPy's exceptions for failed model calls.
const ERRORS: [(&str, LmErrorKind); 11] = [
    ("ContextWindowExceededError", LmErrorKind::ContextWindowExceeded),
    ("LMTransportError", LmErrorKind::Transport),
    ("LMTimeoutError", LmErrorKind::Timeout),
    ("LMRateLimitError", LmErrorKind::RateLimit),
    ("LMServerError", LmErrorKind::Server),
    ("LMAuthError", LmErrorKind::Auth),
    ("LMBillingError", LmErrorKind::Billing),
    ("LMInvalidRequestError", LmErrorKind::InvalidRequest),
    ("LMUnsupportedModelError", LmErrorKind::Unsupported),
    ("LMUnsupportedFeatureError", LmErrorKind::Unsupported),
    ("LMConfigurationError", LmErrorKind::Configuration),
];

fn error_kind(class: &str) -> LmErrorKind {
    ERRORS.iter().find(|(name, _)| *name == class).map_or(LmErrorKind::Server, |(_, kind)| *kind)
}

/// The exception that DSPy raises for a failed model call.
pub(crate) fn error_class(kind: LmErrorKind) -> &'static str {
    ERRORS.iter().find(|(_, other)| *other == kind).map_or("LMError", |(name, _)| name)
}

/// Whether the model was asked what the record says.
pub(crate) fn same_requests(expected: &[Value], requests: &[LmRequest]) -> Verdict {
    for (index, (expected, request)) in expected.iter().zip(requests).enumerate() {
        let messages = Value::List(request.messages.iter().map(Message::to_value).collect());
        let (asked, kwargs) = (expected.get("messages").cloned(), expected.get("kwargs").map(map));
        same(&format!("request {index}: messages"), &asked.unwrap_or_default(), &messages)?;
        same(&format!("request {index}: kwargs"), &kwargs.unwrap_or_default().into(), &kwargs_of(request).into())?;
    }
    match requests.len() == expected.len() {
        true => Ok(()),
        false => Err(format!("the model was asked {} times, expected {}", requests.len(), expected.len())),
    }
}

fn kwargs_of(request: &LmRequest) -> Map {
    let mut kwargs = request.settings.as_map().clone();
    if let Some(schema) = &request.output_schema {
        let marked = predict::map! { "$pydantic_json_schema" => schema.clone() };
        kwargs.insert("response_format".into(), marked.into());
    }
    kwargs
}
