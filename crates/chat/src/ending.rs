//! The end of an answer: it happens once, whoever brings it about.
//!
//! Whoever ends an answer first takes its row, and only while it says `in_progress`; so a writer that completes, a person who
//! cancels and a reader who finds the lease over cannot all have their way.

use std::time::Duration;

use host::{
    Call,
    sql::{Transaction, transact},
};
use ids::{ConversationId, CorrelationId, MessageId, WorkspaceId};
use llm::estimate_tokens;

use crate::{
    Chat,
    answer::repo as answers,
    error::ChatError,
    event::{Event, repo as events, text_of},
    finish::FinishReason,
    message::{Failure, Message, Status, repo as messages},
    viewer::Viewer,
};

/// How often, and how many times, it is looked whether the writer of an answer has ended it as it was asked to. A writer that is
/// alive notices within 200 ms.
const LOOK_EVERY: Duration = Duration::from_millis(25);
const LOOKS: u32 = 20;

/// How an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed(Option<FinishReason>),
    Cancelled,
    Failed(Failure, Option<FinishReason>),
}

impl Chat {
    /// Stops the answer `id`; what has been written is kept. An answer that is cancelled already is left as it is.
    ///
    /// This works whether or not the instance that writes the answer is alive.
    pub async fn cancel(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        id: MessageId,
        call: &Call,
    ) -> Result<Message, ChatError> {
        let message = self.message(viewer, conversation, id).await?;
        let message = match message.status {
            Status::InProgress => self.stop(viewer, &message, &call.correlation_id).await?,
            _ => message,
        };
        match message.status {
            Status::Cancelled => Ok(message),
            _ => Err(ChatError::AnswerEnded),
        }
    }

    /// Asks the writer of an answer to end it, because it alone knows the words that are shown and not stored yet; where that does
    /// not happen soon, ends the answer with what its log says. Returns it as it is then.
    pub(crate) async fn stop(
        &self,
        viewer: &Viewer,
        message: &Message,
        correlation_id: &CorrelationId,
    ) -> Result<Message, ChatError> {
        let (sql, id) = (&*self.host.sql, message.id);
        let mut is_running = answers::request_cancel(sql, viewer.workspace, id).await?;
        self.ledger.dismiss(id);
        for _ in 0..LOOKS {
            if !is_running {
                break;
            }
            self.host.clock.sleep(LOOK_EVERY).await;
            is_running = answers::status(sql, viewer.workspace, id).await? == Some(Status::InProgress);
        }
        if is_running {
            return self.end_from_log(viewer, message, &Ending::Cancelled, correlation_id).await;
        }
        let found = messages::find(sql, viewer, message.conversation, id).await?;
        found.flatten().ok_or(ChatError::MessageNotFound)
    }

    /// Ends an answer that nobody writes any more. Where that cannot be stored it is shown as ended all the same: whatever keeps
    /// an answer from its end must not keep anybody from reading the conversation.
    pub(crate) async fn give_up(&self, viewer: &Viewer, message: &Message) -> Message {
        tracing::warn!(message_id = %message.id, "an answer was interrupted");
        // Nobody waits for this event with a request of their own, so it has no correlation id but the message's.
        let correlation_id = CorrelationId::of(message.id);
        let ending = Ending::Failed(Failure::Interrupted, None);
        match self.end_from_log(viewer, message, &ending, &correlation_id).await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(message_id = %message.id, cause = %error, "an answer could not be ended");
                message.as_interrupted()
            }
        }
    }

    /// Ends an answer with what its log says, and returns it as it is then: ended by us, or by somebody who was faster.
    async fn end_from_log(
        &self,
        viewer: &Viewer,
        message: &Message,
        ending: &Ending,
        correlation_id: &CorrelationId,
    ) -> Result<Message, ChatError> {
        let (workspace, id) = (viewer.workspace, message.id);
        let ended = transact(&*self.host.sql, &*self.host.clock, |transaction| {
            let (chat, ending, correlation_id) = (self.clone(), ending.clone(), correlation_id.clone());
            Box::pin(async move { chat.end_if_unfinished(transaction, workspace, id, &ending, correlation_id).await })
        })
        .await?;
        if let Some(ended) = ended {
            return Ok(ended);
        }
        let found = messages::find(&*self.host.sql, viewer, message.conversation, message.id).await?;
        found.flatten().ok_or(ChatError::MessageNotFound)
    }

    /// Ends the answer `id` with what its log says, unless it has come to its end, or is to be given up and is not abandoned.
    async fn end_if_unfinished(
        &self,
        transaction: &mut dyn Transaction,
        workspace: WorkspaceId,
        id: MessageId,
        ending: &Ending,
        correlation_id: CorrelationId,
    ) -> Result<Option<Message>, ChatError> {
        let locked = answers::lock_unfinished(transaction, workspace, id).await?;
        let Some(mut message) = locked else { return Ok(None) };
        if matches!(ending, Ending::Failed(Failure::Interrupted, _)) && !message.is_abandoned {
            return Ok(None);
        }
        let log = events::all_in(transaction, workspace, id).await?;
        message.content = text_of(&log).map_err(ChatError::UnreadableEvent)?;
        message.usage = message.usage.map(|usage| usage.with_output(estimate_tokens(&message.content)));
        // Its writer may have shown events that are not in the log.
        let last = log.last().map_or(1, |event| event.seq).max(message.trail.reserved_seq);
        message.trail.last_seq = Some(last + 1);
        message.trail.correlation_id = Some(correlation_id);
        self.end(&mut message, ending);
        // The row is held, so it matches.
        transaction.execute(answers::write_end(workspace, &message)).await?;
        Ok(Some(message))
    }

    /// Ends an answer of which everything is known: `tail` are its events that are not stored yet. False where somebody else has
    /// ended it.
    pub(crate) async fn end_with(&self, viewer: &Viewer, message: &Message, tail: &[Event]) -> Result<bool, ChatError> {
        let mut statements: Vec<_> = events::append(viewer.workspace, message.id, tail).collect();
        statements.push(answers::write_end(viewer.workspace, message));
        Ok(self.host.sql.all_or_none(statements).await?)
    }

    /// Turns `message` into what it is after its `ending`.
    pub(crate) fn end(&self, message: &mut Message, ending: &Ending) {
        message.updated_at = self.host.now();
        message.is_abandoned = false;
        match ending {
            Ending::Completed(reason) => (message.status, message.finish_reason) = (Status::Completed, *reason),
            Ending::Cancelled => message.status = Status::Cancelled,
            Ending::Failed(failure, reason) => {
                message.status = Status::Failed;
                message.finish_reason = *reason;
                message.failure = Some(fault::Fault::code(failure).to_owned());
                message.trail.retry_after_ms = fault::Fault::retry_after_ms(failure);
            }
        }
    }
}
