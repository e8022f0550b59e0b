//! Posting a message: load the history, decide what the model is asked, store question and answer together.

use futures::{Stream, channel::mpsc};
use ids::{ConversationId, Timestamp};
use llm::{
    Call,
    wire::{ChatRequest, Content as ModelContent},
};
use tracing::Instrument;

use crate::{
    Chat,
    agent::not_the_callers,
    backoff::Backoff,
    error::ChatError,
    event::{Event, EventName, repo as events},
    generation::{Generation, LEASE},
    message::{Author, Content, Message, Status, repo as messages},
    transaction::conclude,
    viewer::Viewer,
    window::{MAX_MESSAGES, TooLong, window},
};

/// A message and its answer, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What the person said.
    pub question: Message,
    /// What the agent answered.
    pub answer: Message,
}

/// What the model is asked, and by whom it is called what.
struct Prompt {
    model: String,
    request: ChatRequest,
}

impl Chat {
    /// Posts a message and waits for the whole answer. Both are stored, or neither is and the model's error is returned.
    pub async fn post(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        content: Content,
    ) -> Result<Posted, ChatError> {
        let prompt = self.prompt(viewer, call, conversation, &content).await?;
        let completion = self.llm.complete(prompt.request, call).await.map_err(not_the_callers)?;
        let first = completion.choices.into_iter().next();
        let text = first.and_then(|choice| choice.message.content).as_ref().map(ModelContent::text).unwrap_or_default();
        let mut posted = self.pair(conversation, content, prompt.model);
        posted.answer.content = text;
        posted.answer.status = Status::Completed;
        posted.answer.usage = completion.usage.map(Into::into);
        self.store(viewer, posted, |_| None).await
    }

    /// Posts a message and returns its answer's events as they come. The answer is written to its end whether or not anybody
    /// reads them; an error of the model is an event too, since the message is stored by then.
    pub async fn post_streaming(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        content: Content,
    ) -> Result<impl Stream<Item = Event> + Send + use<>, ChatError> {
        let prompt = self.prompt(viewer, call, conversation, &content).await?;
        let mut posted = self.pair(conversation, content, prompt.model);
        posted.answer.lease_until = Some(self.host.now() + LEASE);
        let started = |posted: &Posted| Event {
            seq: 1,
            name: EventName::Started,
            data: self.format.started(&posted.question, &posted.answer),
        };
        let posted = self.store(viewer, posted, |posted| Some(started(posted))).await?;
        let (listener, events) = mpsc::unbounded();
        // The receiver is alive: it is returned below.
        let _ = listener.unbounded_send(started(&posted));
        let generation = Generation::new(self.clone(), *viewer, call.clone(), posted.answer, listener);
        // Its log lines belong to the request that began it, also after that is over.
        let work = generation.run(prompt.request).instrument(tracing::Span::current());
        self.host.tasks.spawn(Box::pin(work));
        Ok(events)
    }

    /// What the agent's model is asked to answer to `content`.
    async fn prompt(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        content: &Content,
    ) -> Result<Prompt, ChatError> {
        let now = self.host.now();
        let found = messages::recent(&*self.host.sql, viewer, conversation, MAX_MESSAGES, now).await?;
        let (agent, history) = found.ok_or(ChatError::ConversationNotFound)?;
        let agent = self.agents.find(&agent, &self.host, &self.llm, call).await?;
        let messages = window(agent.instructions.as_deref(), &history, content.as_str(), agent.context_tokens)
            .map_err(|TooLong| ChatError::TooLongForModel)?;
        let request = ChatRequest { model: agent.model.clone(), messages, ..ChatRequest::default() };
        Ok(Prompt { model: agent.model.clone(), request })
    }

    /// A message and an answer that has nothing in it yet.
    fn pair(&self, conversation: ConversationId, content: Content, model: String) -> Posted {
        let message = |author, status, content| {
            let id = self.host.new_id();
            let created_at: Timestamp = ids::Id::made_at(id);
            Message {
                id,
                conversation,
                position: 0,
                author,
                status,
                content,
                model: None,
                usage: None,
                failure: None,
                created_at,
                updated_at: created_at,
                lease_until: None,
            }
        };
        let question = message(Author::User, Status::Completed, content.into_string());
        let answer = Message { model: Some(model), ..message(Author::Assistant, Status::InProgress, String::new()) };
        Posted { question, answer }
    }

    /// Stores a pair, with the first event of its answer if it has one, and gives it its positions.
    async fn store(
        &self,
        viewer: &Viewer,
        mut posted: Posted,
        first_event: impl Fn(&Posted) -> Option<Event>,
    ) -> Result<Posted, ChatError> {
        let mut backoff = Backoff::for_conflicts();
        loop {
            match self.try_store(viewer, &mut posted, &first_event).await {
                Ok(()) => return Ok(posted),
                Err(ChatError::Sql(error)) if backoff.after_conflict(&error, &*self.host.clock).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_store(
        &self,
        viewer: &Viewer,
        posted: &mut Posted,
        first_event: impl Fn(&Posted) -> Option<Event>,
    ) -> Result<(), ChatError> {
        let (workspace, dialect) = (viewer.workspace, self.host.sql.dialect());
        let mut transaction = self.host.sql.begin().await?;
        let work = async {
            let pair = [&mut posted.question, &mut posted.answer];
            if !messages::append_pair(&mut *transaction, workspace, pair).await? {
                return Err(ChatError::ConversationNotFound);
            }
            if let Some(event) = first_event(posted) {
                events::append_in(&mut *transaction, dialect, workspace, posted.answer.id, &[event]).await?;
            }
            Ok(())
        };
        let outcome = work.await;
        conclude(transaction, outcome).await
    }
}
