//! DSPy's own types, each with a reading of its own.

use super::Invalid;
use super::union::Exactness;
use super::validate::{State, wanted};
use crate::media::Media;
use crate::python::json_repair;
use crate::python::text::strip;
use crate::tool::{ToolCall, ToolCalls, ToolResult};
use crate::typing::Type;
use crate::value::{Map, Value};

pub(super) fn validate(state: &mut State<'_>, value: &Value, ty: &Type) -> Result<Value, Invalid> {
    state.floor(Exactness::Lax);
    match (ty, value) {
        (Type::Code(_), Value::Str(text)) => Ok(Value::from(without_fences(text))),
        (Type::Code(_), Value::Map(map)) => match map.get("code") {
            Some(Value::Str(text)) => Ok(Value::from(without_fences(text))),
            _ => Err(Invalid::new("`code` should be a string").at("code")),
        },
        (Type::Reasoning, Value::Str(_)) => Ok(value.clone()),
        (Type::Reasoning, Value::Map(map)) => match map.get("content") {
            Some(text @ Value::Str(_)) => Ok(text.clone()),
            _ => Err(Invalid::new("`content` should be a string").at("content")),
        },
        (Type::ToolCalls, _) => tool_calls(value).map(Value::ToolCalls),
        (Type::Image | Type::Audio | Type::File, Value::Media(_)) => Ok(value.clone()),
        (Type::Image | Type::Audio | Type::File, Value::Map(map)) => media(ty, map).map(Value::Media),
        (Type::Tool, Value::Tool(_)) => Ok(value.clone()),
        (Type::History, Value::Map(map)) if is_history(map) => Ok(value.clone()),
        _ => Err(wanted(&format!("a {}", ty.name()), value)),
    }
}

/// The inside of the first fenced block, without its language; text without one as it is.
fn without_fences(code: &str) -> &str {
    const FENCE: &str = "```";
    let Some((_, inside)) = code.split_once(FENCE) else { return code };
    // The language runs to the end of the opening line. A block that is closed on that line has none.
    let block = inside.split_once('\n').and_then(|(_, body)| body.split_once(FENCE));
    match block.or_else(|| inside.split_once(FENCE)) {
        Some((block, _)) => strip(block),
        None => code,
    }
}

fn is_history(map: &Map) -> bool {
    let turns = map.get("messages").and_then(Value::as_list);
    map.len() == 1 && turns.is_some_and(|turns| turns.iter().all(|turn| turn.as_map().is_some()))
}

fn media(ty: &Type, map: &Map) -> Result<Media, Invalid> {
    let text = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wanted("a string", other).at(key)),
    };
    let required = |key: &str| text(key)?.ok_or_else(|| Invalid::new("field required").at(key));
    let known: &[&str] = match ty {
        Type::Image => &["url"],
        Type::Audio => &["data", "audio_format"],
        _ => &["file_data", "file_id", "filename"],
    };
    if let Some(extra) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Invalid::new("extra inputs are not permitted").at(extra));
    }
    match ty {
        Type::Image => Ok(Media::Image { url: required("url")? }),
        Type::Audio => Ok(Media::Audio { data: required("data")?, format: required("audio_format")? }),
        _ if map.is_empty() => Err(Invalid::new("a file has content, an id or a name")),
        _ => Ok(Media::File { file_data: text("file_data")?, file_id: text("file_id")?, filename: text("filename")? }),
    }
}

/// Tool calls in any of the forms that models write: an object with `tool_calls`, a list of calls or one call, each
/// with `args` or `arguments` (as an object or as JSON text) or in OpenAI's `function` nesting.
pub(crate) fn tool_calls(value: &Value) -> Result<ToolCalls, Invalid> {
    let invalid = || wanted("tool calls", value);
    match value {
        Value::ToolCalls(calls) => Ok(calls.clone()),
        Value::List(items) if items.iter().all(|item| item.as_map().is_some_and(is_call)) => calls(items),
        Value::Map(map) => match map.get("tool_calls") {
            Some(Value::List(items)) => {
                let results = map.get("tool_call_results").filter(|results| !results.is_null());
                Ok(ToolCalls { results: results.map(tool_results).transpose()?, ..calls(items)? })
            }
            Some(_) => Err(invalid()),
            None if is_call(map) => Ok(ToolCalls { calls: vec![call(map)?], results: None }),
            None => Err(invalid()),
        },
        _ => Err(invalid()),
    }
}

fn is_call(map: &Map) -> bool {
    let has = |key: &str| map.contains_key(key);
    (has("name") && (has("args") || has("arguments"))) || has("function")
}

fn calls(items: &[Value]) -> Result<ToolCalls, Invalid> {
    let call_at = |(index, item): (usize, &Value)| match item {
        Value::Map(map) => call(map).map_err(|error| error.at(index)),
        other => Err(wanted("a tool call", other).at(index)),
    };
    let calls = items.iter().enumerate().map(call_at).collect::<Result<_, _>>()?;
    Ok(ToolCalls { calls, results: None })
}

fn call(map: &Map) -> Result<ToolCall, Invalid> {
    let is_truthy = |value: &&Value| !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("");
    let empty = Map::new();
    let (arguments, name) = match map.get("function") {
        None => (map.get("args").or_else(|| map.get("arguments")), map.get("name")),
        Some(Value::Map(function)) => {
            (function.get("arguments"), function.get("name").filter(is_truthy).or_else(|| map.get("name")))
        }
        Some(other) if !is_truthy(&other) => (None, map.get("name")),
        Some(other) => return Err(wanted("an object", other).at("function")),
    };
    let args = match arguments {
        Some(Value::Str(text)) => match json_repair::loads(text).map_err(|error| Invalid::new(error.to_string()))? {
            Value::Map(args) => args,
            other => return Err(wanted("a dictionary", &other).at("args")),
        },
        Some(Value::Map(args)) => args.clone(),
        _ => empty,
    };
    let name = match name {
        Some(Value::Str(name)) => name.clone(),
        other => return Err(wanted("a string", other.unwrap_or(&Value::Null)).at("name")),
    };
    let id = match map.get("id").filter(is_truthy).or_else(|| map.get("call_id")) {
        None | Some(Value::Null) => None,
        Some(Value::Str(id)) => Some(id.clone()),
        Some(other) => return Err(wanted("a string", other).at("id")),
    };
    Ok(ToolCall { id, name, args })
}

/// Results as a list, inside `tool_call_results` or as a single one.
fn tool_results(value: &Value) -> Result<Vec<ToolResult>, Invalid> {
    let single;
    let items = match value {
        Value::List(items) => items,
        Value::Map(map) => match map.get("tool_call_results") {
            Some(inner) => return tool_results(inner),
            None => {
                single = vec![value.clone()];
                &single
            }
        },
        other => return Err(wanted("tool call results", other)),
    };
    items.iter().map(tool_result).collect()
}

fn tool_result(value: &Value) -> Result<ToolResult, Invalid> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(ToolResult {
        call_id: text("call_id"),
        name: text("name").ok_or_else(|| Invalid::new("field required").at("name"))?,
        value: value.get("value").cloned().ok_or_else(|| Invalid::new("field required").at("value"))?,
        is_error: value.get("is_error").and_then(Value::as_bool).unwrap_or(false),
    })
}
