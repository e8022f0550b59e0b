//! Values: plain JSON, and objects that stand for what JSON lacks.

use std::sync::Arc;

use predict::{Media, Tool, ToolCall, ToolCalls, ToolResult, Value};

/// The value that a recorded one stands for. What has no JSON form stays the object `{"$repr": ...}`.
pub(crate) fn value(record: &Value) -> Value {
    match record {
        Value::List(items) => Value::List(items.iter().map(value).collect()),
        Value::Map(members) => match (record.get("$float"), record.get("$dspy").and_then(Value::as_str)) {
            (Some(float), _) => Value::Float(match float.as_str() {
                Some("inf") => f64::INFINITY,
                Some("-inf") => f64::NEG_INFINITY,
                _ => f64::NAN,
            }),
            (None, Some(class)) => special(class, record),
            (None, None) => Value::Map(members.iter().map(|(key, member)| (key.clone(), value(member))).collect()),
        },
        plain => plain.clone(),
    }
}

fn special(class: &str, record: &Value) -> Value {
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
    let required = |key: &str| text(key).unwrap_or_default();
    match class {
        "Image" => Media::Image { url: required("url") }.into(),
        "Audio" => {
            let format = text("audio_format").or_else(|| text("format")).unwrap_or_default();
            Media::Audio { data: required("data"), format }.into()
        }
        "File" => {
            let (file_data, file_id, filename) = (text("file_data"), text("file_id"), text("filename"));
            Media::File { file_data, file_id, filename }.into()
        }
        "Reasoning" => required("content").into(),
        "Code" => required("code").into(),
        "History" => {
            let messages = record.get("messages").map(value).unwrap_or_default();
            Value::Map([("messages".to_owned(), messages)].into_iter().collect())
        }
        "Tool" => Value::Tool(Arc::new(tool(record))),
        "ToolCalls" => calls(record).into(),
        _ => record.clone(),
    }
}

/// A tool's description.
pub(crate) fn tool(record: &Value) -> Tool {
    let args = record.get("args").and_then(Value::as_map).cloned().unwrap_or_default();
    let name = record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Tool { name, description: record.get("desc").and_then(Value::as_str).map(str::to_owned), args }
}

fn calls(record: &Value) -> ToolCalls {
    let text = |record: &Value, key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
    let call = |call: &Value| ToolCall {
        id: text(call, "id"),
        name: text(call, "name").unwrap_or_default(),
        args: call.get("args").map(value).and_then(|args| args.as_map().cloned()).unwrap_or_default(),
    };
    let result = |result: &Value| ToolResult {
        call_id: text(result, "call_id"),
        name: text(result, "name").unwrap_or_default(),
        value: result.get("value").map(value).unwrap_or_default(),
        is_error: result.get("is_error") == Some(&Value::Bool(true)),
    };
    let calls = record.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    // A recorded result is the list itself, or the object that holds it.
    let results = record.get("tool_call_results").map(|results| results.get("tool_call_results").unwrap_or(results));
    let results = results.and_then(Value::as_list).map(|results| results.iter().map(result).collect());
    ToolCalls { calls: calls.iter().map(call).collect(), results }
}
