//! The beginning of an answer: the model is asked while question and answer are stored.

use std::{future::poll_fn, pin::pin};

use futures::FutureExt;
use host::{Call, sql::SqlError};
use llm::wire::ChatRequest;

use super::{Running, speech::Speech};
use crate::{Chat, answer::repo as answers, message::Posted, viewer::Viewer};

/// An answer that is not stored yet.
pub(crate) struct Opening {
    chat: Chat,
    viewer: Viewer,
    call: Call,
    speech: Speech,
    posted: Posted,
}

impl Opening {
    /// The answer to what `request` asks, in `posted` with its question.
    pub(crate) fn new(chat: Chat, viewer: Viewer, call: Call, posted: Posted, request: ChatRequest) -> Self {
        let asking = {
            let (llm, call) = (chat.llm.clone(), call.clone());
            async move { llm.stream(request, &call).await }
        };
        Self { speech: Speech::new(asking.boxed()), chat, viewer, call, posted }
    }

    /// Stores question and answer, in one transaction. Where `is_eager` the model is asked meanwhile, so that it may have been
    /// asked in vain. None where the conversation went on since its history was read, or is gone.
    pub(crate) async fn store(mut self, is_eager: bool) -> Result<Option<Running>, SqlError> {
        let began = self.chat.host.now();
        let sql = self.chat.host.sql.clone();
        let pair = [&self.posted.question, &self.posted.answer];
        let statements = answers::pair(sql.dialect(), self.viewer.workspace, pair).to_vec();
        let mut storing = pin!(sql.all_or_none(statements));
        let stored = poll_fn(|context| {
            if is_eager {
                // Whether it has answered already is found out when the answer is read.
                let _ = self.speech.poll_asked(context);
            }
            storing.as_mut().poll(context)
        });
        match stored.await {
            Ok(true) => {}
            // Or somebody else is about to add to the conversation.
            Ok(false) => return Ok(None),
            Err(error) if error.is_transient() => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(Running::new(self.chat, self.viewer, self.call, self.speech, self.posted, began)))
    }
}
