//! Values as JSON without loss: what JSON lacks is an object with one key that starts with `$`.

use std::sync::Arc;

use super::own::FileError;
use super::types::{list, object, optional_text, text};
use crate::media::Media;
use crate::tool::{Tool, ToolCall, ToolCalls, ToolResult};
use crate::value::{Map, Value};

/// The value as JSON.
pub(super) fn encode(value: &Value) -> Value {
    let tagged = |tag: &str, value: Value| Value::Map([(tag.to_owned(), value)].into_iter().collect());
    match value {
        Value::Float(number) if number.is_nan() => tagged("$float", "nan".into()),
        Value::Float(number) if number.is_infinite() => {
            tagged("$float", if *number > 0.0 { "inf" } else { "-inf" }.into())
        }
        Value::List(items) => encode_all(items),
        Value::Map(map) => {
            let encoded = Value::Map(encode_map(map));
            // A key that looks like a mark is told from one by a mark around the object.
            if map.keys().any(|key| key.starts_with('$')) { tagged("$map", encoded) } else { encoded }
        }
        Value::Media(media) => encode_media(media),
        Value::Tool(tool) => {
            let encoded = crate::map! {
                "name" => tool.name.as_str(),
                "description" => tool.description.clone(),
                "args" => encode_map(&tool.args),
            };
            tagged("$tool", encoded.into())
        }
        Value::ToolCalls(calls) => tagged("$tool_calls", encode_calls(calls)),
        plain => plain.clone(),
    }
}

pub(super) fn encode_all(values: &[Value]) -> Value {
    Value::List(values.iter().map(encode).collect())
}

pub(super) fn encode_map(map: &Map) -> Map {
    map.iter().map(|(key, value)| (key.clone(), encode(value))).collect()
}

fn encode_media(media: &Media) -> Value {
    let (tag, value) = match media {
        Media::Image { url } => ("$image", crate::map! { "url" => url.as_str() }),
        Media::Audio { data, format } => {
            ("$audio", crate::map! { "data" => data.as_str(), "format" => format.as_str() })
        }
        Media::File { file_data, file_id, filename } => (
            "$file",
            crate::map! { "file_data" => file_data.clone(), "file_id" => file_id.clone(), "filename" => filename.clone() },
        ),
    };
    Value::Map(crate::map! { tag => value })
}

fn encode_calls(calls: &ToolCalls) -> Value {
    let call = |call: &ToolCall| {
        crate::map! { "id" => call.id.clone(), "name" => call.name.as_str(), "args" => encode_map(&call.args) }
    };
    let result = |result: &ToolResult| {
        crate::map! {
            "call_id" => result.call_id.clone(),
            "name" => result.name.as_str(),
            "value" => encode(&result.value),
            "is_error" => result.is_error,
        }
    };
    let results = calls.results.as_ref().map(|results| results.iter().map(result).collect::<Vec<_>>());
    crate::map! { "calls" => calls.calls.iter().map(call).collect::<Vec<_>>(), "results" => results }.into()
}

/// The value that the JSON stands for.
pub(super) fn decode(value: &Value) -> Result<Value, FileError> {
    match value {
        Value::List(items) => Ok(Value::List(decode_all(items)?)),
        Value::Map(map) => match map.first() {
            Some((tag, inner)) if tag.starts_with('$') => decode_tagged(tag, inner, map.len()),
            _ => Ok(Value::Map(decode_map(map)?)),
        },
        plain => Ok(plain.clone()),
    }
}

pub(super) fn decode_all(values: &[Value]) -> Result<Vec<Value>, FileError> {
    values.iter().map(decode).collect()
}

pub(super) fn decode_map(map: &Map) -> Result<Map, FileError> {
    map.iter().map(|(key, value)| Ok((key.clone(), decode(value)?))).collect()
}

fn decode_tagged(tag: &str, value: &Value, keys: usize) -> Result<Value, FileError> {
    let unknown = || FileError::invalid(format!("`{tag}` marks no value"));
    if keys != 1 {
        return Err(unknown());
    }
    if tag == "$float" {
        return match value.as_str() {
            Some("nan") => Ok(Value::Float(f64::NAN)),
            Some("inf") => Ok(Value::Float(f64::INFINITY)),
            Some("-inf") => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => Err(unknown()),
        };
    }
    let map = object(value, tag)?;
    Ok(match tag {
        "$map" => Value::Map(decode_map(map)?),
        "$image" => Media::Image { url: text(map, "url")?.to_owned() }.into(),
        "$audio" => {
            Media::Audio { data: text(map, "data")?.to_owned(), format: text(map, "format")?.to_owned() }.into()
        }
        "$file" => Media::File {
            file_data: optional_text(map, "file_data"),
            file_id: optional_text(map, "file_id"),
            filename: optional_text(map, "filename"),
        }
        .into(),
        "$tool" => Value::Tool(Arc::new(Tool {
            name: text(map, "name")?.to_owned(),
            description: optional_text(map, "description"),
            args: args(map)?,
        })),
        "$tool_calls" => decode_calls(map)?.into(),
        _ => return Err(unknown()),
    })
}

fn args(map: &Map) -> Result<Map, FileError> {
    decode_map(object(map.get("args").ok_or_else(|| FileError::missing("args"))?, "args")?)
}

fn decode_calls(map: &Map) -> Result<ToolCalls, FileError> {
    let call = |value: &Value| {
        let call = object(value, "a tool call")?;
        Ok(ToolCall { id: optional_text(call, "id"), name: text(call, "name")?.to_owned(), args: args(call)? })
    };
    let result = |value: &Value| {
        let result = object(value, "a tool's result")?;
        Ok(ToolResult {
            call_id: optional_text(result, "call_id"),
            name: text(result, "name")?.to_owned(),
            value: decode(result.get("value").ok_or_else(|| FileError::missing("value"))?)?,
            is_error: result.get("is_error") == Some(&Value::Bool(true)),
        })
    };
    let results = match map.get("results") {
        None | Some(Value::Null) => None,
        Some(_) => Some(list(map, "results")?.iter().map(result).collect::<Result<_, FileError>>()?),
    };
    let calls = list(map, "calls")?.iter().map(call).collect::<Result<_, FileError>>()?;
    Ok(ToolCalls { calls, results })
}
