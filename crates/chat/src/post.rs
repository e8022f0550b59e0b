//! Posting a message: load the history, decide what the model is asked, store question and answer together.

use futures::{Stream, channel::mpsc};
use host::{Call, sql::Dialect};
use ids::{ConversationId, Timestamp};
use llm::wire::{ChatRequest, Content as ModelContent};
use tracing::Instrument;

use crate::{
    Chat,
    agent::not_the_callers,
    backoff::Backoff,
    error::ChatError,
    event::{Event, repo as events, started},
    generation::{Generation, LEASE},
    history::Past,
    message::{Author, Content, Message, Status, repo as messages},
    transaction::conclude,
    viewer::Viewer,
    window::{TooLong, readable_bytes, window},
};

/// A message and its answer, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What the person said.
    pub question: Message,
    /// What the agent answered.
    pub answer: Message,
}

/// What the model is asked, and where its answer goes.
struct Prompt {
    model: String,
    request: ChatRequest,
    /// The position of the newest message when the history was read.
    last_position: i64,
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
        let mut posted = self.pair(conversation, content, prompt.model, prompt.last_position);
        posted.answer.content = text;
        posted.answer.status = Status::Completed;
        posted.answer.usage = completion.usage.map(Into::into);
        let (posted, _) = self.store(viewer, posted, |_| Vec::new()).await?;
        Ok(posted)
    }

    /// Posts a message and returns its answer's events as they come. The answer is written to its end whether or not anybody
    /// reads them; an error of the model is an event too.
    ///
    /// The model is asked before anything is stored, and what it says in the first moment is stored together with the message:
    /// so the first token waits for one transaction, and an answer that is there at once needs no other.
    pub async fn post_streaming(
        &self,
        viewer: &Viewer,
        call: &Call,
        conversation: ConversationId,
        content: Content,
    ) -> Result<impl Stream<Item = Event> + Send + use<>, ChatError> {
        let prompt = self.prompt(viewer, call, conversation, &content).await?;
        let mut posted = self.pair(conversation, content, prompt.model, prompt.last_position);
        posted.answer.lease_until = Some(self.host.now() + LEASE);
        let mut generation =
            Generation::new(self.clone(), *viewer, call.clone(), posted.answer.clone(), prompt.request);
        let ending = generation.listen().await;
        if let Some(ending) = &ending {
            posted.answer.content.push_str(generation.text());
            self.end(&mut posted.answer, ending);
        }
        let first_words = generation.take_first_words();
        let first_events = |posted: &Posted| {
            let mut events = vec![started(&posted.question, &posted.answer, &*self.format)];
            events.extend_from_slice(&first_words);
            let seq = events.len() as u64 + 1;
            events.extend(
                ending.as_ref().map(|ending| self.end_event(&posted.answer, ending, seq, &call.correlation_id)),
            );
            events
        };
        let (posted, stored) = self.store(viewer, posted, first_events).await?;
        let (listener, events) = mpsc::unbounded();
        if ending.is_some() {
            stored.into_iter().for_each(|event| drop(listener.unbounded_send(event)));
            return Ok(events);
        }
        generation.go_on(posted.answer, stored, listener);
        // Its log lines belong to the request that began it, also after that is over.
        self.host.tasks.spawn(Box::pin(generation.run().instrument(tracing::Span::current())));
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
        let Past { agent, last_position, newest } = self.past(viewer, conversation).await?;
        let agent = self.agents.find(&agent, &self.host, &self.llm, call).await?;
        let readable = readable_bytes(agent.context_tokens);
        let exchanges = self.history(viewer, conversation, newest, readable).await?;
        let messages = window(agent.instructions.as_deref(), &exchanges, content.as_str(), agent.context_tokens)
            .map_err(|TooLong| ChatError::TooLongForModel)?;
        let request = ChatRequest { model: agent.model.clone(), messages, ..ChatRequest::default() };
        Ok(Prompt { model: agent.model.clone(), request, last_position })
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
                failure: None,
                created_at,
                updated_at: created_at,
                lease_until: None,
            }
        };
        let question = message(last_position + 1, Author::User, Status::Completed, content.into_string());
        let answer = Message {
            model: Some(model),
            ..message(last_position + 2, Author::Assistant, Status::InProgress, String::new())
        };
        Posted { question, answer }
    }

    /// Stores a pair with the first events of its answer, at the positions that it names, or where somebody was faster, at the
    /// next ones; returns both as they are stored.
    async fn store(
        &self,
        viewer: &Viewer,
        mut posted: Posted,
        first_events: impl Fn(&Posted) -> Vec<Event>,
    ) -> Result<(Posted, Vec<Event>), ChatError> {
        // On SQLite a transaction keeps the whole database, so that an attempt in vain would hold everybody up.
        if self.host.sql.dialect() == Dialect::MariaDb {
            let events = first_events(&posted);
            if self.store_here(viewer, &posted, &events).await? {
                return Ok((posted, events));
            }
        }
        let mut backoff = Backoff::for_conflicts();
        loop {
            match self.store_next(viewer, &mut posted, &first_events).await {
                Ok(events) => return Ok((posted, events)),
                Err(ChatError::Sql(error)) if backoff.after_conflict(&error, &*self.host.clock).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Stores a pair at the positions that it names, in one trip to the database, which locks nothing while something is on its
    /// way. False where the conversation went on since its history was read, or is gone.
    async fn store_here(&self, viewer: &Viewer, posted: &Posted, events: &[Event]) -> Result<bool, ChatError> {
        let mut statements = messages::pair(viewer.workspace, [&posted.question, &posted.answer]).to_vec();
        statements.extend(events::first(viewer.workspace, posted.answer.id, events));
        match self.host.sql.all_or_none(statements).await {
            // Somebody else is about to add to it.
            Err(error) if error.is_transient() => Ok(false),
            outcome => Ok(outcome?),
        }
    }

    /// Stores a pair at the next positions, whoever else wants them, and tells it which they are; returns its first events.
    async fn store_next(
        &self,
        viewer: &Viewer,
        posted: &mut Posted,
        first_events: impl Fn(&Posted) -> Vec<Event>,
    ) -> Result<Vec<Event>, ChatError> {
        let mut transaction = self.host.sql.begin().await?;
        let work = async {
            let pair = [&mut posted.question, &mut posted.answer];
            let dialect = self.host.sql.dialect();
            if !messages::append_pair(&mut *transaction, dialect, viewer.workspace, pair).await? {
                return Err(ChatError::ConversationNotFound);
            }
            let events = first_events(posted);
            let rows = events::first(viewer.workspace, posted.answer.id, &events).collect();
            transaction.execute_all(rows).await?;
            Ok(events)
        };
        let outcome = work.await;
        conclude(transaction, outcome).await
    }
}
