//! Answers, in one piece and streamed, read tolerantly.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChatMessage, Other, Role, lenient};

/// An answer in one piece: `chat.completion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The provider's name for this answer.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default = "completion_object", deserialize_with = "lenient::completion_object")]
    pub object: String,
    /// When it was made, in seconds since the epoch.
    #[serde(default, deserialize_with = "lenient::seconds")]
    pub created: i64,
    /// The model as its provider calls it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: String,
    /// The answers; one unless more were asked for.
    #[serde(deserialize_with = "lenient::list")]
    pub choices: Vec<Choice>,
    /// What it took.
    #[serde(default, deserialize_with = "lenient::usage", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

impl Completion {
    /// The same answer as a stream: all that it says, then what it took. A body that came whole is an answer that is over, so
    /// that a missing finish reason is `stop`.
    pub(crate) fn into_chunks(self) -> Vec<Chunk> {
        let choice = |choice: Choice| {
            let ChatMessage { role, content, mut other } = choice.message;
            // In a stream each call says which one it is.
            let calls = other.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten();
            for (position, call) in calls.enumerate() {
                if let Some(call) = call.as_object_mut() {
                    call.entry("index").or_insert_with(|| position.into());
                }
            }
            ChunkChoice {
                index: choice.index,
                delta: Delta { role: Some(role), content: content.map(|content| content.text()), other },
                finish_reason: choice.finish_reason.or_else(|| Some("stop".to_owned())),
                other: choice.other,
            }
        };
        let chunk = |choices, usage, other| Chunk {
            id: self.id.clone(),
            object: chunk_object(),
            created: self.created,
            model: self.model.clone(),
            choices,
            usage,
            other,
            source: Source::default(),
        };
        let mut chunks = vec![chunk(self.choices.into_iter().map(choice).collect(), None, self.other)];
        chunks.extend(self.usage.map(|usage| chunk(Vec::new(), Some(usage), Other::new())));
        chunks
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Which of the answers this is.
    #[serde(default, deserialize_with = "lenient::index")]
    pub index: u32,
    /// What the model says.
    #[serde(default = "lenient::silence", deserialize_with = "lenient::message")]
    pub message: ChatMessage,
    /// Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`.
    #[serde(default, deserialize_with = "lenient::finish_reason")]
    pub finish_reason: Option<String>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// The JSON that something was read from. It says nothing that is not in what was read, so any two are alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source(Option<Box<str>>);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A piece of a streamed answer: `chat.completion.chunk`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The provider's name for the answer; the same in all of its chunks.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default = "chunk_object", deserialize_with = "lenient::chunk_object")]
    pub object: String,
    /// When the answer was begun, in seconds since the epoch.
    #[serde(default, deserialize_with = "lenient::seconds")]
    pub created: i64,
    /// The model as its provider calls it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: String,
    /// What is new; empty in the chunk that carries the usage.
    #[serde(default, deserialize_with = "lenient::list")]
    pub choices: Vec<ChunkChoice>,
    /// What it took; in the last chunk, where it was asked for.
    #[serde(default, deserialize_with = "lenient::usage", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
    /// What it was read from, as long as nothing of it was changed.
    #[serde(skip)]
    pub(crate) source: Source,
}

impl Chunk {
    /// Remembers that it was read from `json`, one line that says the same.
    pub(crate) fn read_from(mut self, json: &str) -> Self {
        self.source = Source(Some(json.into()));
        self
    }

    /// The chunk as JSON, on one line: as it came, where nobody has changed it.
    pub(crate) fn to_json(&self) -> Cow<'_, str> {
        match &self.source.0 {
            Some(json) => Cow::Borrowed(json),
            None => serde_json::to_string(self).expect("chunks have text keys only, so they can be written").into(),
        }
    }

    /// Makes its only answer, whatever number that has, the first.
    pub(crate) fn number_only_answer(&mut self) {
        if let [choice] = &mut *self.choices
            && choice.index != 0
        {
            choice.index = 0;
            self.source = Source::default();
        }
    }

    /// The new text of the first answer, if this chunk has any.
    pub fn text(&self) -> Option<&str> {
        let first = self.choices.iter().find(|choice| choice.index == 0)?;
        first.delta.content.as_deref().filter(|text| !text.is_empty())
    }

    /// Why the model stopped, in the words of its provider: `stop`, `length`, `tool_calls`, `content_filter`, or one that
    /// nobody knows yet. None while the answer goes on.
    pub fn finish_reason(&self) -> Option<&str> {
        self.choices.iter().find_map(|choice| choice.finish_reason.as_deref())
    }
}

/// What is new in one of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Which of the answers.
    #[serde(default, deserialize_with = "lenient::index")]
    pub index: u32,
    /// What is new.
    #[serde(default, deserialize_with = "lenient::delta")]
    pub delta: Delta,
    /// Why the model stopped; in the last piece only.
    #[serde(default, deserialize_with = "lenient::finish_reason")]
    pub finish_reason: Option<String>,
    /// What the gateway does not look at.
    #[serde(flatten)]
    pub other: Other,
}

/// A piece of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Who speaks; in the first piece only.
    #[serde(default, deserialize_with = "lenient::role", skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// New text.
    #[serde(default, deserialize_with = "lenient::content", skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Tool calls, reasoning and the like.
    #[serde(flatten)]
    pub other: Other,
}

/// What an answer took, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    #[serde(default, deserialize_with = "lenient::count")]
    pub prompt_tokens: u64,
    /// Tokens written.
    #[serde(default, deserialize_with = "lenient::count")]
    pub completion_tokens: u64,
    /// Both together.
    #[serde(default, deserialize_with = "lenient::count")]
    pub total_tokens: u64,
    /// Details by kind.
    #[serde(flatten)]
    pub other: Other,
}

pub(super) fn completion_object() -> String {
    "chat.completion".to_owned()
}

pub(super) fn chunk_object() -> String {
    "chat.completion.chunk".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_may_lack_almost_everything() {
        for (text, expected) in [
            ("{}", None),
            (r#"{"choices":[]}"#, None),
            (r#"{"choices":[{"delta":{}}]}"#, None),
            (r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, None),
            (r#"{"choices":[{"delta":{"content":null},"finish_reason":"stop"}],"usage":null}"#, None),
            (r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#, Some("a")),
        ] {
            let chunk: Chunk = serde_json::from_str(text).unwrap();
            assert_eq!(chunk.text(), expected, "{text}");
        }
    }
}
