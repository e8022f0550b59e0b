//! What the model says: its stream, read as far as it has come.

use std::task::{Context, Poll, ready};

use futures::{FutureExt, StreamExt};
use llm::{ChunkStream, ModelError, wire::Chunk};

use super::asking::{Asked, Asking};
use crate::{finish::Held, message::Usage};

/// The most chunks that are read at a time.
const MAX_CHUNKS: usize = 256;

/// A model's answer on its way.
pub(crate) struct Speech {
    state: State,
    /// Until the model has said something.
    asking: Option<Asking>,
    input_tokens: u64,
    finish_reason: Option<String>,
    refusal: String,
    has_refused: bool,
    has_text: bool,
    has_tool_calls: bool,
    has_begun: bool,
    usage: Option<Usage>,
}

enum State {
    /// The model is being asked.
    Asking(Asked),
    Speaking(ChunkStream),
    /// It came to this end, which was not told yet.
    Ending(Result<(), ModelError>),
    Over,
}

/// What the model gave.
#[derive(Debug)]
pub(crate) enum Heard {
    /// All the text that was there, never empty.
    Text(String),
    /// The end of its stream, in order or not.
    End(Result<(), ModelError>),
}

impl Speech {
    /// What the model says to what is asked by `asking`.
    pub(crate) fn new(asking: Asking) -> Self {
        Self {
            state: State::Asking(asking.ask()),
            input_tokens: asking.tokens(),
            asking: Some(asking),
            finish_reason: None,
            refusal: String::new(),
            has_refused: false,
            has_text: false,
            has_tool_calls: false,
            has_begun: false,
            usage: None,
        }
    }

    /// Sees to it that the model is being asked, and reads nothing of its answer.
    pub(crate) fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let State::Asking(asked) = &mut self.state {
            match ready!(asked.poll_unpin(context)) {
                Ok(chunks) => self.state = State::Speaking(chunks),
                Err(error) => self.fail(error),
            }
        }
        Poll::Ready(())
    }

    /// Reads what there is: several pieces that are there at the same time are one text. Never ready again after the end.
    pub(crate) fn poll_heard(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        let mut text = String::new();
        let mut chunks_left = MAX_CHUNKS;
        while chunks_left > 0 {
            // It may have to be asked again, as long as it has said nothing.
            if self.poll_asked(context).is_pending() {
                return Poll::Pending;
            }
            let State::Speaking(chunks) = &mut self.state else { break };
            let Poll::Ready(item) = chunks.poll_next_unpin(context) else { break };
            chunks_left -= 1;
            match item {
                Some(Ok(chunk)) => self.take(&chunk, &mut text),
                Some(Err(error)) => self.fail(error),
                None => self.state = State::Ending(Ok(())),
            }
        }
        self.has_text |= !text.is_empty();
        if !self.has_text && !self.refusal.is_empty() && matches!(self.state, State::Ending(Ok(()))) {
            // Why a model does not answer is all that there is to be read of its answer.
            text = std::mem::take(&mut self.refusal);
            self.has_refused = true;
        }
        if !text.is_empty() {
            return Poll::Ready(Heard::Text(text));
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ending(end) => return Poll::Ready(Heard::End(end)),
            state => self.state = state,
        }
        if chunks_left == 0 {
            // None of them had a text; there may be more.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Asks again where that helps, or ends with `error`.
    fn fail(&mut self, error: ModelError) {
        let again = self.asking.as_mut().and_then(|asking| asking.ask_less(&error));
        self.state = match again {
            Some(asked) => State::Asking(asked),
            None => State::Ending(Err(error)),
        };
        // What is asked instead, or was asked in vain.
        if let Some(asking) = &self.asking {
            self.input_tokens = asking.tokens();
        }
    }

    fn take(&mut self, chunk: &Chunk, text: &mut String) {
        self.has_begun = true;
        self.usage = chunk.usage.clone().map(Into::into).or(self.usage);
        let Some(first) = chunk.choices.iter().find(|choice| choice.index == 0) else { return };
        text.push_str(chunk.text().unwrap_or_default());
        if !text.is_empty() {
            self.asking = None;
        }
        let other = |name| first.delta.other.get(name).filter(|value| !value.is_null());
        self.refusal.push_str(other("refusal").and_then(|text| text.as_str()).unwrap_or_default());
        self.has_tool_calls |= other("tool_calls").or_else(|| other("function_call")).is_some();
        if let Some(reason) = first.finish_reason.as_deref().filter(|reason| !reason.is_empty()) {
            self.finish_reason = Some(reason.to_owned());
        }
    }

    /// Lets go of the model, which may say no more.
    pub(crate) fn stop(&mut self) {
        self.state = State::Over;
        self.asking = None;
    }

    /// What there was when the stream ended.
    pub(crate) fn held(&self) -> Held<'_> {
        Held {
            finish_reason: self.finish_reason.as_deref(),
            text: self.has_text,
            refusal: self.has_refused,
            tool_calls: self.has_tool_calls,
        }
    }

    /// True where the model has begun to answer.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// An estimate of what the model had to read: less than it was asked at first where that was too much.
    pub(crate) fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// What it took, where the provider has told.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }
}
