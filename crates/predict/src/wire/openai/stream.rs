//! Streamed answers of the Chat Completions interface: the `data` of its server-sent events, put together.

use super::answer::{tool_call, usage};
use crate::lm::{Choice, Chunk, LmError, LmErrorKind, LmResponse};
use crate::python::json;
use crate::value::{Map, Value};

/// Reads one stream.
///
/// ```
/// use predict::Chunk;
/// use predict::wire::openai::StreamReader;
///
/// let mut reader = StreamReader::default();
/// let chunks = reader.push(r#"{"choices": [{"delta": {"content": "fo"}}]}"#)?;
/// assert_eq!(chunks, [Chunk::Text("fo".into())]);
/// reader.push(r#"{"choices": [{"delta": {"content": "ur"}, "finish_reason": "stop"}]}"#)?;
/// let done = reader.push("[DONE]")?;
/// assert!(matches!(&done[..], [Chunk::Done(whole)] if whole.first_text() == "four"));
/// # Ok::<(), predict::LmError>(())
/// ```
#[derive(Debug, Default)]
pub struct StreamReader {
    response: LmResponse,
    choice: Choice,
    /// Tool calls as they grow: id, name and the text of the arguments.
    calls: Vec<(Option<String>, String, String)>,
}

impl StreamReader {
    /// Takes the `data` of one event and gives what it adds. `[DONE]` gives the whole answer.
    ///
    /// # Errors
    /// When the data is no event of this interface, or tells of an error.
    pub fn push(&mut self, data: &str) -> Result<Vec<Chunk>, LmError> {
        if data.trim() == "[DONE]" {
            return Ok(vec![Chunk::Done(self.finish())]);
        }
        let event = json::loads(data)
            .map_err(|error| LmError::new(LmErrorKind::Server, format!("the stream holds what is {error}")))?;
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("the provider failed in the stream");
            return Err(LmError::new(LmErrorKind::Server, message));
        }
        if let Some(model) = event.get("model").and_then(Value::as_str) {
            self.response.model = Some(model.to_owned());
        }
        if let Some(counts) = event.get("usage").filter(|usage| !usage.is_null()) {
            self.response.usage = usage(Some(counts));
        }
        let choice = event.get("choices").and_then(Value::as_list).and_then(<[Value]>::first);
        Ok(choice.map(|choice| self.take(choice)).unwrap_or_default())
    }

    fn take(&mut self, choice: &Value) -> Vec<Chunk> {
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.choice.finish_reason = Some(reason.to_owned());
        }
        let Some(delta) = choice.get("delta") else { return Vec::new() };
        let text = |key: &str| delta.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mut chunks = Vec::new();
        if let Some(text) = text("reasoning_content").or_else(|| text("reasoning")) {
            self.choice.reasoning.get_or_insert_default().push_str(text);
            chunks.push(Chunk::Reasoning(text.to_owned()));
        }
        if let Some(text) = text("content") {
            self.choice.text.get_or_insert_default().push_str(text);
            chunks.push(Chunk::Text(text.to_owned()));
        }
        for call in delta.get("tool_calls").and_then(Value::as_list).unwrap_or_default() {
            self.take_call(call);
        }
        chunks
    }

    fn take_call(&mut self, delta: &Value) {
        let index = delta.get("index").and_then(Value::as_i64).and_then(|index| usize::try_from(index).ok());
        // An index that runs ahead is taken for the next call: a provider does not get to choose how much is allocated.
        let index = index.unwrap_or(self.calls.len()).min(self.calls.len());
        if index == self.calls.len() {
            self.calls.push(Default::default());
        }
        let (id, name, arguments) = &mut self.calls[index];
        if let Some(given) = delta.get("id").and_then(Value::as_str) {
            *id = Some(given.to_owned());
        }
        if let Some(function) = delta.get("function") {
            let text = |key: &str| function.get(key).and_then(Value::as_str).unwrap_or_default();
            name.push_str(text("name"));
            arguments.push_str(text("arguments"));
        }
    }

    fn finish(&mut self) -> LmResponse {
        let mut choice = std::mem::take(&mut self.choice);
        choice.tool_calls = self
            .calls
            .drain(..)
            .map(|(id, name, arguments)| {
                let mut call: Map = crate::map! { "name" => name, "arguments" => arguments };
                call.extend(id.map(|id| ("id".to_owned(), Value::Str(id))));
                tool_call(&call.into())
            })
            .collect();
        self.response.choices = vec![choice];
        std::mem::take(&mut self.response)
    }
}
