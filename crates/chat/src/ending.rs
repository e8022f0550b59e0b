//! The end of an answer: it happens once, whoever brings it about.
//!
//! Whoever ends an answer first takes its row, and only while it says `in_progress`; so a generator that completes, a person who
//! cancels and a reader who finds the lease over cannot both have their way.

use host::Call;
use ids::{ConversationId, CorrelationId, MessageId};

use crate::{
    Chat,
    backoff::Backoff,
    error::ChatError,
    event::{Event, EventName, repo as events, text_of},
    message::{Failure, Message, Status, Usage, repo as messages},
    transaction::conclude,
    viewer::Viewer,
};

/// How an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed(Option<Usage>),
    Cancelled,
    Failed(Failure),
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
            Status::InProgress => self.end_from_log(viewer, &message, &Ending::Cancelled, &call.correlation_id).await?,
            _ => message,
        };
        match message.status {
            Status::Cancelled => Ok(message),
            _ => Err(ChatError::AnswerEnded),
        }
    }

    /// Ends an answer that nobody writes any more.
    pub(crate) async fn give_up(&self, viewer: &Viewer, message: &Message) -> Result<Message, ChatError> {
        tracing::warn!(message_id = %message.id, "an answer was interrupted");
        // Nobody waits for this event with a request of their own, so it has no correlation id but the message's.
        let correlation_id = CorrelationId::of(message.id);
        self.end_from_log(viewer, message, &Ending::Failed(Failure::Interrupted), &correlation_id).await
    }

    /// Ends an answer with what its log says, and returns it as it is then: ended by us, or by somebody who was faster.
    async fn end_from_log(
        &self,
        viewer: &Viewer,
        message: &Message,
        ending: &Ending,
        correlation_id: &CorrelationId,
    ) -> Result<Message, ChatError> {
        let mut backoff = Backoff::for_conflicts();
        let ended = loop {
            match self.try_end_from_log(viewer, message, ending, correlation_id).await {
                Err(ChatError::Sql(error)) if backoff.after_conflict(&error, &*self.host.clock).await => {}
                outcome => break outcome?,
            }
        };
        if let Some(ended) = ended {
            return Ok(ended);
        }
        let found = messages::find(&*self.host.sql, viewer, message.conversation, message.id).await?;
        found.flatten().ok_or(ChatError::MessageNotFound)
    }

    async fn try_end_from_log(
        &self,
        viewer: &Viewer,
        message: &Message,
        ending: &Ending,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Message>, ChatError> {
        let (workspace, dialect) = (viewer.workspace, self.host.sql.dialect());
        let mut transaction = self.host.sql.begin().await?;
        let work = async {
            let locked = messages::lock_unfinished(&mut *transaction, dialect, workspace, message.id).await?;
            let Some(mut message) = locked else { return Ok(None) };
            if *ending == Ending::Failed(Failure::Interrupted) && !message.is_abandoned(self.host.now()) {
                return Ok(None);
            }
            let log = events::all_in(&mut *transaction, workspace, message.id).await?;
            message.content = text_of(&log).map_err(ChatError::UnreadableEvent)?;
            let seq = log.last().map_or(1, |event| event.seq + 1);
            self.end(&mut message, ending);
            let end = self.end_event(&message, ending, seq, correlation_id);
            // The row is held, so both match it.
            let event = events::append(dialect, workspace, message.id, &[end]);
            transaction.execute_all(vec![event, messages::write_end(workspace, &message)]).await?;
            Ok(Some(message))
        };
        let outcome: Result<_, ChatError> = work.await;
        conclude(transaction, outcome).await
    }

    /// Ends an answer of which everything is known: `tail` are the events that are not stored yet, the end among them.
    /// False where somebody else has ended it.
    pub(crate) async fn end_with(&self, viewer: &Viewer, message: &Message, tail: &[Event]) -> Result<bool, ChatError> {
        let (workspace, dialect) = (viewer.workspace, self.host.sql.dialect());
        let rows = tail.chunks(events::MAX_EVENTS_PER_ROW);
        let mut statements: Vec<_> = rows.map(|row| events::append(dialect, workspace, message.id, row)).collect();
        statements.push(messages::write_end(workspace, message));
        Ok(self.host.sql.all_or_none(statements).await?)
    }

    /// Turns `message` into what it is after its `ending`.
    pub(crate) fn end(&self, message: &mut Message, ending: &Ending) {
        message.updated_at = self.host.now();
        message.lease_until = None;
        match ending {
            Ending::Completed(usage) => (message.status, message.usage) = (Status::Completed, *usage),
            Ending::Cancelled => message.status = Status::Cancelled,
            Ending::Failed(failure) => {
                message.status = Status::Failed;
                message.failure = Some(fault::Fault::code(failure).to_owned());
            }
        }
    }

    /// The event that says that `message` has come to its `ending`.
    pub(crate) fn end_event(
        &self,
        message: &Message,
        ending: &Ending,
        seq: u64,
        correlation_id: &CorrelationId,
    ) -> Event {
        let (name, data) = match ending {
            Ending::Completed(_) => (EventName::Completed, self.format.ended(message)),
            Ending::Cancelled => (EventName::Cancelled, self.format.ended(message)),
            Ending::Failed(failure) => (EventName::Failed, self.format.failed(failure, correlation_id)),
        };
        Event { seq, name, data }
    }
}
