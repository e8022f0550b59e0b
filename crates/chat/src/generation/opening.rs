//! The beginning of an answer: the model is asked while question and answer are stored.

use std::{future::poll_fn, pin::pin};

use host::Call;
use idempotency::{Attempt, IdempotencyError, Owner, Stored};
use llm::wire::ChatRequest;

use super::{Running, asking::Asking, speech::Speech};
use crate::{Chat, answer::repo as answers, error::ChatError, message::Posted, post::Beginning, viewer::Viewer};

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
        let asking = Asking::new(chat.llm.clone(), call.clone(), request);
        Self { speech: Speech::new(asking), chat, viewer, call, posted }
    }

    /// Stores question and answer, and the key of `attempt` with them, in one transaction. Where `is_eager` the model is asked
    /// meanwhile, so that it may have been asked in vain. None where the conversation went on since its history was read, or is
    /// gone.
    pub(crate) async fn store(
        mut self,
        is_eager: bool,
        attempt: Option<&Attempt>,
    ) -> Result<Option<Beginning>, ChatError> {
        let began = self.chat.host.now();
        let sql = self.chat.host.sql.clone();
        let pair = [&self.posted.question, &self.posted.answer];
        let statements = answers::pair(self.viewer.workspace, pair).to_vec();
        let (owner, outcome) = (Owner::from(&self.viewer), self.posted.answer.id.to_string());
        let mut storing = pin!(async {
            match attempt {
                Some(attempt) => attempt.store(&*sql, owner, &outcome, statements, began).await,
                None if sql.all_or_none(statements).await? => Ok(Stored::Now),
                None => Ok(Stored::NothingMatched),
            }
        });
        let stored = poll_fn(|context| {
            if is_eager {
                // Whether it has answered already is found out when the answer is read.
                let _ = self.speech.poll_asked(context);
            }
            storing.as_mut().poll(context)
        });
        match stored.await {
            Ok(Stored::Now) => {}
            Ok(Stored::NothingMatched) => return Ok(None),
            Ok(Stored::Before(answer)) => {
                let answer = answer.parse().map_err(|_| ChatError::UnreadableOutcome)?;
                return Ok(Some(Beginning::Before(answer)));
            }
            // Or somebody else is about to add to the conversation.
            Err(IdempotencyError::Sql(error)) if error.is_transient() => return Ok(None),
            Err(IdempotencyError::Sql(error)) => return Err(error.into()),
            Err(error) => return Err(error.into()),
        }
        let running = Running::new(self.chat, self.viewer, self.call, self.speech, self.posted, began);
        Ok(Some(Beginning::Now(Box::new(running))))
    }
}
