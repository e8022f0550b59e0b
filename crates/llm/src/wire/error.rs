//! Errors, in the gateway's own form and in the forms that providers have.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// OpenAI's error envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong. OpenAI-compatible servers send `code` as a text, a number or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For a human reader.
    #[serde(default)]
    pub message: String,
    /// The family: `invalid_request_error`, `server_error`, ...
    #[serde(default, rename = "type")]
    pub family: Option<String>,
    /// The field at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// The error's stable name.
    #[serde(default)]
    pub code: Option<Value>,
    /// How long to wait, in milliseconds; between the gateway and its callers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorDetail {
    /// The error that `value` is, in any of the forms that providers have; none where it is not one.
    ///
    /// | form | who sends it |
    /// | --- | --- |
    /// | `{"error": {"message", "type", "code"}}` | OpenAI and most others; Anthropic with a `"type": "error"` beside it |
    /// | `[{"error": {"message", "code", "status"}}]` | Gemini |
    /// | `{"error": "text"}` | Ollama, Hugging Face |
    /// | `{"message", "type", "code"}` | vLLM, Mistral, gateways of cloud providers |
    /// | `{"detail": "text"}`, `{"detail": [{"msg", "loc"}]}` | whatever is made with FastAPI |
    pub fn find(value: &Value) -> Option<Self> {
        let object = match value {
            Value::Array(list) => list.first()?.as_object()?,
            value => value.as_object()?,
        };
        match object.get("error") {
            Some(Value::Object(error)) => return Some(Self::of(error)),
            Some(Value::String(message)) => return Some(Self { message: message.clone(), ..Self::of(object) }),
            Some(Value::Array(_) | Value::Number(_) | Value::Bool(true)) => return Some(Self::of(object)),
            Some(Value::Null | Value::Bool(false)) | None => {}
        }
        if object.contains_key("choices") {
            return None;
        }
        match object.get("detail") {
            Some(Value::String(message)) => Some(Self { message: message.clone(), ..Self::of(object) }),
            Some(Value::Array(_) | Value::Object(_)) => Some(Self::of(object)),
            _ => object.get("message").is_some_and(Value::is_string).then(|| Self::of(object)),
        }
    }

    fn of(error: &Map<String, Value>) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            message: text("message").unwrap_or_default(),
            family: text("type").or_else(|| text("status")),
            param: text("param"),
            code: error.get("code").filter(|code| !code.is_null()).cloned(),
            retry_after_ms: error.get("retry_after_ms").and_then(Value::as_u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_found_in_every_form_that_providers_have() {
        let detail = |message: &str, family: Option<&str>, code: Option<Value>| {
            let (message, family) = (message.to_owned(), family.map(str::to_owned));
            Some(ErrorDetail { message, family, code, ..ErrorDetail::default() })
        };
        for (sent, expected) in [
            (json!({"error": {"message": "m", "type": "t", "code": "c"}}), detail("m", Some("t"), Some(json!("c")))),
            (json!({"error": {"message": "m", "code": 429, "param": 7}}), detail("m", None, Some(json!(429)))),
            (
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
                detail("m", Some("overloaded_error"), None),
            ),
            (
                json!([{"error": {"message": "m", "code": 400, "status": "INVALID_ARGUMENT"}}]),
                detail("m", Some("INVALID_ARGUMENT"), Some(json!(400))),
            ),
            (json!({"error": "m"}), detail("m", None, None)),
            (json!({"error": ["m"]}), detail("", None, None)),
            (json!({"error": {}}), detail("", None, None)),
            (
                json!({"object": "error", "message": "m", "type": "t", "code": 400}),
                detail("m", Some("t"), Some(json!(400))),
            ),
            (json!({"message": "m"}), detail("m", None, None)),
            (json!({"detail": "m"}), detail("m", None, None)),
            (json!({"detail": [{"loc": ["body"], "msg": "m"}]}), detail("", None, None)),
            (json!({"choices": [], "error": {"message": "m"}}), detail("m", None, None)),
            (json!({"choices": [], "error": null}), None),
            (json!({"choices": [], "message": "m", "detail": "d"}), None),
            (json!({"error": false}), None),
            (json!({}), None),
            (json!([]), None),
            (json!("error"), None),
        ] {
            assert_eq!(ErrorDetail::find(&sent), expected, "{sent}");
        }
    }
}
