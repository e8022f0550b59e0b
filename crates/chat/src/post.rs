//! Posting a message: load the history, decide what the model is asked, store question and answer, and write the answer.

use std::time::Duration;

use futures::{Stream, StreamExt, channel::oneshot, future::Either, stream};
use host::{Call, sql::SqlError};
use idempotency::{Attempt, IdempotencyError, Outcome};
use ids::{ConversationId, MessageId, Timestamp};
use llm::wire::ChatRequest;
use tracing::Instrument;

use crate::{
    Chat,
    error::ChatError,
    event::Event,
    follow::Follow,
    generation::{BLOCK, Ended, Opening, Running, Stopped},
    history::{Last, Past},
    message::{Author, Content, Failure, Message, Posted, Status, Trail, Usage, repo as messages},
    viewer::Viewer,
    window::{TooLong, prompt_tokens, readable_bytes, window},
};

/// How long a message waits, at most, for the answer before it to end, and how often it looks.
const QUEUE_FOR: Duration = Duration::from_secs(60);
const QUEUE_LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a message waits before it looks again at a conversation that another one has just been added to.
const RACE_PAUSE: Duration = Duration::from_millis(5);

/// A message that is to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it says.
    pub content: Content,
    /// What becomes of it while the answer before it is still being written.
    pub on_busy: OnBusy,
    /// The newest message that its author has seen; where it is not the newest any more, nothing is posted.
    pub expected_last_message: Option<MessageId>,
    /// The request that posts it, where that bears an idempotency key: under one key it is posted once.
    pub attempt: Option<Attempt>,
}

/// How the answer to a message begins.
pub(crate) enum Beginning {
    /// It is to be written.
    Now(Box<Running>),
    /// An earlier request under the same idempotency key has begun it.
    Before(MessageId),
}

/// What becomes of a message that is posted while the newest answer of its conversation is still being written. An answer is
/// given to a history that is complete, so it is never just posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBusy {
    /// It is refused.
    #[default]
    Reject,
    /// It waits for the answer to end, for a minute at most.
    Queue,
    /// It cancels the answer.
    Interrupt,
}

impl Chat {
    /// Posts a message and waits for the whole answer, which may have been cancelled. Where the model fails its error is returned;
    /// the message and what there is of the answer are stored all the same. So they are where the caller does not wait for it.
    ///
    /// An earlier request under the same key has posted the message: what came of that is returned, be it an error.
    pub async fn post(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        question: Question,
    ) -> Result<Outcome<Posted>, ChatError> {
        let running = match self.begin_answer(viewer, call, conversation, question).await? {
            Beginning::Now(running) => running,
            Beginning::Before(answer) => return self.answered_before(viewer, conversation, answer).await,
        };
        let question = running.question().clone();
        let (sender, ended) = oneshot::channel();
        self.spawn(async move {
            // Who posted may be gone; the answer is stored in any case.
            let _ = sender.send(running.run().await);
        });
        match ended.await {
            Ok(Ok(Ended { answer, failure: None })) => {
                Ok(Outcome { value: Posted { question, answer }, is_replay: false })
            }
            Ok(Ok(Ended { failure: Some(failure), .. })) => Err(ChatError::Failed(failure)),
            Ok(Err(Stopped::Deleted(_))) => Err(ChatError::ConversationNotFound),
            Ok(Err(Stopped::Lost(error))) => Err(error),
            Err(oneshot::Canceled) => Err(ChatError::Failed(Failure::Interrupted)),
        }
    }

    /// Posts a message and returns its answer's events as they come. The answer is written to its end whether or not anybody
    /// reads them; an error of the model is an event too. The answer that an earlier request under the same key has begun is told
    /// from its first event on.
    pub async fn post_streaming(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        question: Question,
    ) -> Result<Outcome<impl Stream<Item = Event> + Send + use<>>, ChatError> {
        // Before anything is stored: who gets no stream has posted nothing.
        let held = self.streams.hold()?;
        let mut running = match self.begin_answer(viewer, call, conversation, question).await? {
            Beginning::Now(running) => running,
            Beginning::Before(answer) => {
                drop(held);
                let events = match self.follow(viewer, conversation, answer, 0).await.map_err(since_posted)? {
                    Follow::Events(events) => events.boxed(),
                    Follow::Nothing => stream::empty().boxed(),
                };
                return Ok(Outcome { value: Either::Left(events), is_replay: true });
            }
        };
        let events = running.listen().inspect(move |_| _ = &held);
        self.spawn(async move { drop(running.run().await) });
        Ok(Outcome { value: Either::Right(events), is_replay: false })
    }

    /// What came of the post whose answer is `answer`.
    async fn answered_before(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        answer: MessageId,
    ) -> Result<Outcome<Posted>, ChatError> {
        let answer = self.message(viewer, conversation, answer).await.map_err(since_posted)?;
        match answer.status {
            Status::InProgress => return Err(IdempotencyError::InUse.into()),
            Status::Failed => return Err(ChatError::Failed(answer.why_failed().unwrap_or(Failure::Interrupted))),
            Status::Completed | Status::Cancelled => {}
        }
        let (workspace, before, now) = (viewer.workspace, answer.position - 1, self.host.now());
        let question = messages::at(&*self.host.sql, workspace, conversation, before, now).await?;
        let question = question.ok_or(ChatError::NoLongerKept)?;
        Ok(Outcome { value: Posted { question, answer }, is_replay: true })
    }

    /// Lets an answer be written beside and beyond the request at hand. Its log lines belong to that request all the same.
    fn spawn(&self, writing: impl Future<Output = ()> + Send + 'static) {
        self.host.tasks.spawn(Box::pin(writing.instrument(tracing::Span::current())));
    }

    /// Stores a message with the answer that begins, as soon as the conversation is free for it.
    async fn begin_answer(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        question: Question,
    ) -> Result<Beginning, ChatError> {
        let began = self.host.now();
        let attempt = question.attempt.as_ref();
        // Whoever had to wait, or came too late, is not alone: the model is not asked then for what may come to nothing. Nor is it
        // where the same request may be under way twice.
        let mut is_eager = attempt.is_none();
        loop {
            let has_time = self.host.now().since(began) < QUEUE_FOR;
            let past = self.past(viewer, conversation).await?;
            // After the past, so that a request does not take its own answer for one that is in its way.
            if let Some(answer) = self.begun_before(viewer, attempt).await? {
                return Ok(Beginning::Before(answer));
            }
            check_last(&past, question.expected_last_message)?;
            if let Some(last) = past.last.filter(|last| last.status == Status::InProgress) {
                self.make_way(viewer, call, conversation, last, question.on_busy, has_time).await?;
            } else {
                let opening = self.opening(viewer, call, conversation, &question.content, past).await?;
                match opening.store(is_eager, attempt).await? {
                    Some(beginning) => return Ok(beginning),
                    None if has_time => self.host.clock.sleep(RACE_PAUSE).await,
                    None => return Err(SqlError::LockTimeout.into()),
                }
            }
            is_eager = false;
        }
    }

    /// The answer that an earlier request under the same key has begun.
    async fn begun_before(&self, viewer: &Viewer, attempt: Option<&Attempt>) -> Result<Option<MessageId>, ChatError> {
        let Some(attempt) = attempt else { return Ok(None) };
        let outcome = attempt.recall(&*self.host.sql, viewer.into(), self.host.now()).await?;
        outcome.map(|id| id.parse().map_err(|_| ChatError::UnreadableOutcome)).transpose()
    }

    /// Does what has to be done about the answer that is in the way of a message.
    async fn make_way(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        last: Last,
        on_busy: OnBusy,
        has_time: bool,
    ) -> Result<(), ChatError> {
        if last.is_abandoned || on_busy == OnBusy::Interrupt {
            let answer = self.message(viewer, conversation, last.id).await?;
            if answer.status == Status::InProgress {
                self.stop(viewer, &answer, &call.correlation_id).await?;
            }
            return Ok(());
        }
        if on_busy == OnBusy::Reject || !has_time {
            return Err(ChatError::AnswerInProgress { id: last.id });
        }
        self.host.clock.sleep(QUEUE_LOOK_EVERY).await;
        Ok(())
    }

    /// The answer to `content` with what the agent's model is asked.
    async fn opening(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        content: &Content,
        past: Past,
    ) -> Result<Opening, ChatError> {
        let agent = self.agents.find(&past.agent, &self.host, &self.llm, call).await?;
        let readable = readable_bytes(agent.context_tokens);
        let exchanges = self.history(viewer, conversation, past.newest, readable).await?;
        let messages = window(agent.instructions.as_deref(), &exchanges, content.as_str(), agent.context_tokens)
            .map_err(|TooLong| ChatError::TooLongForModel)?;
        let mut posted = self.pair(conversation, content.clone(), agent.model.clone(), past.last_position);
        posted.answer.usage = Some(Usage::estimated(prompt_tokens(&messages)));
        let request = ChatRequest { model: agent.model.clone(), messages, ..ChatRequest::default() };
        Ok(Opening::new(self.clone(), *viewer, call.clone(), posted, request))
    }

    /// A message after the one at `last_position`, and an answer that has nothing in it yet.
    fn pair(&self, conversation: ConversationId, content: Content, model: String, last_position: i64) -> Posted {
        let message = |position, author, status, content| {
            let id = self.host.new_id();
            let created_at: Timestamp = ids::Id::made_at(id);
            Message {
                id,
                conversation,
                position,
                author,
                status,
                content,
                model: None,
                usage: None,
                finish_reason: None,
                failure: None,
                created_at,
                updated_at: created_at,
                is_abandoned: false,
                trail: Trail::default(),
            }
        };
        let question = message(last_position + 1, Author::User, Status::Completed, content.into_string());
        let answer = Message {
            model: Some(model),
            trail: Trail { reserved_seq: BLOCK, ..Trail::default() },
            ..message(last_position + 2, Author::Assistant, Status::InProgress, String::new())
        };
        Posted { question, answer }
    }
}

/// `error` about an answer that was there when it was posted.
fn since_posted(error: ChatError) -> ChatError {
    match error {
        ChatError::MessageNotFound => ChatError::NoLongerKept,
        error => error,
    }
}

/// An error where the newest message of a conversation is not the `expected` one.
fn check_last(past: &Past, expected: Option<MessageId>) -> Result<(), ChatError> {
    let last = past.last.map(|last| last.id);
    if expected.is_some() && expected != last { Err(ChatError::LastMessageDiffers { id: last }) } else { Ok(()) }
}
