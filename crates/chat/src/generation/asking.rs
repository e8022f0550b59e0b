//! What the model is asked, and asked again with less of the past where its provider says that this is too much.

use futures::{FutureExt, future::BoxFuture};
use host::Call;
use llm::{ChunkStream, ModelError, wire::ChatRequest};

use crate::window::{forget_half, forget_past, prompt_tokens};

/// How many times a model is asked again with less: half of the past, a quarter, nothing of it. We count tokens without the
/// model's tokenizer, so that what we think fits may not; and a conversation that did not once would never again.
const TIMES: u32 = 3;

/// The model's answer, once it begins.
pub(crate) type Asked = BoxFuture<'static, Result<ChunkStream, ModelError>>;

/// A request, kept for as long as it may have to be made again.
pub(crate) struct Asking {
    llm: llm::Client,
    call: Call,
    request: ChatRequest,
    times: u32,
}

impl Asking {
    /// What `request` asks on behalf of `call`.
    pub(crate) fn new(llm: llm::Client, call: Call, request: ChatRequest) -> Self {
        Self { llm, call, request, times: 0 }
    }

    /// Asks the model.
    pub(crate) fn ask(&self) -> Asked {
        let (llm, call, request) = (self.llm.clone(), self.call.clone(), self.request.clone());
        async move { llm.stream(request, &call).await }.boxed()
    }

    /// Asks again with less after `error`, if that is what helps and there is less to be asked.
    pub(crate) fn ask_less(&mut self, error: &ModelError) -> Option<Asked> {
        if !matches!(error, ModelError::ContextExceeded) || self.times >= TIMES {
            return None;
        }
        self.times += 1;
        let messages = &mut self.request.messages;
        let (before, had) = (prompt_tokens(messages), messages.len());
        if self.times < TIMES {
            forget_half(messages)
        } else {
            forget_past(messages)
        };
        if messages.len() == had {
            return None;
        }
        tracing::info!(
            tokens_before = before,
            tokens_now = prompt_tokens(messages),
            "a model is asked again with less of the past"
        );
        Some(self.ask())
    }

    /// An estimate of what the model has to read of it.
    pub(crate) fn tokens(&self) -> u64 {
        prompt_tokens(&self.request.messages)
    }
}
