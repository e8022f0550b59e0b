//! Writing an answer: reads the model's stream, stores events, and sends what is stored to whoever listens.
//!
//! After the first moment this runs beside and beyond the request that began it. It may be lost at any point (a kill, a trap of
//! its instance): what is stored then stands, and the lease says that nobody goes on.

use std::{task::Poll, time::Duration};

use futures::{StreamExt, TryFutureExt, channel::mpsc, poll};
use host::{Call, sql::SqlError, within};
use ids::Timestamp;
use llm::{
    ChunkStream, ModelError,
    wire::{ChatRequest, Chunk},
};

use crate::{
    Chat,
    agent::not_the_callers,
    backoff::Backoff,
    ending::Ending,
    error::ChatError,
    event::{
        Event, delta,
        repo::{self as events, MAX_EVENTS_PER_ROW},
    },
    message::{Failure, Message, Usage, repo as messages},
    viewer::Viewer,
};

/// How long an answer counts as being written after its writer has last been heard of.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// How often the lease is renewed: often enough that two failures in a row do no harm.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How often an answer that does not grow is looked at, to see whether somebody has cancelled it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a new message waits for the first word of its answer before it is stored without one.
const FIRST_MOMENT: Duration = Duration::from_millis(100);

/// How long deltas are collected before they are stored as one row; the first is stored at once.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Why writing stopped before the model did.
enum Stopped {
    /// Somebody else has ended the answer.
    Overtaken,
    /// The database cannot be reached, also after several attempts.
    Lost(ChatError),
}

/// An answer that is being written.
pub(crate) struct Generation {
    chat: Chat,
    viewer: Viewer,
    call: Call,
    /// What the model has yet to say.
    chunks: ChunkStream,
    message: Message,
    /// Hears of what is stored.
    listener: Option<mpsc::UnboundedSender<Event>>,
    /// The number of the last stored event; the first one is counted before it is there.
    stored_seq: u64,
    /// Events that are not stored yet.
    pending: Vec<Event>,
    usage: Option<Usage>,
    /// When the answer was last found, or made, `in_progress`.
    looked_at: Timestamp,
    renewed_at: Timestamp,
    /// When events were stored for the last time; none before the first delta.
    flushed_at: Option<Timestamp>,
}

impl Generation {
    /// Asks the model for what `message`, which is not stored yet, is to say.
    pub(crate) fn new(chat: Chat, viewer: Viewer, call: Call, message: Message, request: ChatRequest) -> Self {
        let now = chat.host.now();
        let opening = {
            let (llm, call) = (chat.llm.clone(), call.clone());
            async move { llm.stream(request, &call).await }
        };
        Self {
            chat,
            viewer,
            call,
            chunks: ChunkStream::new(opening.try_flatten_stream()),
            message,
            listener: None,
            stored_seq: 1,
            pending: Vec::new(),
            usage: None,
            looked_at: now,
            renewed_at: now,
            flushed_at: None,
        }
    }

    /// Takes what the model says in the first moment: its first word and what comes with it, and the ending if it comes so
    /// soon.
    pub(crate) async fn listen(&mut self) -> Option<Ending> {
        let clock = self.chat.host.clock.clone();
        let first = async {
            loop {
                let item = self.chunks.next().await;
                match self.take(item) {
                    None if self.pending.is_empty() => {}
                    ending => return ending,
                }
            }
        };
        if let Ok(Some(ending)) = within(&*clock, FIRST_MOMENT, first).await {
            return Some(ending);
        }
        while self.pending.len() < MAX_EVENTS_PER_ROW
            && let Poll::Ready(item) = poll!(self.chunks.next())
        {
            if let Some(ending) = self.take(item) {
                return Some(ending);
            }
        }
        None
    }

    /// What the model has said.
    pub(crate) fn text(&self) -> &str {
        &self.message.content
    }

    /// What it has said in the first moment, as events that somebody else stores.
    pub(crate) fn take_first_words(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.pending)
    }

    /// Goes on with the answer as `message`, now that its first events are `stored`. Those and all others go to `listener`.
    pub(crate) fn go_on(&mut self, message: Message, stored: Vec<Event>, listener: mpsc::UnboundedSender<Event>) {
        let text = std::mem::take(&mut self.message.content);
        self.message = Message { content: text, ..message };
        let now = self.chat.host.now();
        self.looked_at = now;
        self.flushed_at = (stored.len() > 1).then_some(now);
        self.listener = Some(listener);
        self.send(stored);
    }

    /// Writes the answer to its end.
    pub(crate) async fn run(mut self) {
        let stopped = match self.write().await {
            Ok(ending) => self.finish(ending).await,
            Err(stopped) => Err(stopped),
        };
        match stopped {
            Ok(()) => {}
            Err(Stopped::Overtaken) => self.send_the_rest().await,
            // The listener's stream ends without a last event, and the lease tells everybody else.
            Err(Stopped::Lost(error)) => {
                tracing::error!(message_id = %self.message.id, cause = %error, "an answer was given up");
            }
        }
    }

    /// Reads the model's stream and stores what comes, up to the end that the stream comes to.
    async fn write(&mut self) -> Result<Ending, Stopped> {
        loop {
            let clock = self.chat.host.clock.clone();
            if let Ok(item) = within(&*clock, self.patience(), self.chunks.next()).await
                && let Some(ending) = self.take(item)
            {
                return Ok(ending);
            }
            self.keep_up().await?;
        }
    }

    /// Takes what the model's stream has given, and says whether that is the end.
    fn take(&mut self, item: Option<Result<Chunk, ModelError>>) -> Option<Ending> {
        let chunk = match item {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Some(Ending::Failed(self.failure(error))),
            None => return Some(Ending::Completed(self.usage)),
        };
        if let Some(text) = chunk.text() {
            self.message.content.push_str(text);
            self.pending.push(delta(self.next_seq(), text));
        }
        self.usage = chunk.usage.map(Into::into).or(self.usage);
        None
    }

    fn failure(&self, error: ModelError) -> Failure {
        tracing::warn!(message_id = %self.message.id, cause = %error, "an answer broke off");
        Failure::Model(not_the_callers(error))
    }

    fn next_seq(&self) -> u64 {
        self.pending.last().map_or(self.stored_seq, |event| event.seq) + 1
    }

    /// How long to wait for the model before there is something else to do.
    fn patience(&self) -> Duration {
        match self.flushed_at {
            Some(flushed_at) if !self.pending.is_empty() => {
                FLUSH_EVERY.saturating_sub(self.chat.host.now().since(flushed_at))
            }
            _ => LOOK_EVERY,
        }
    }

    /// Stores what is due, and finds out whether anybody still wants this answer.
    async fn keep_up(&mut self) -> Result<(), Stopped> {
        let now = self.chat.host.now();
        let flush_is_due = self.flushed_at.is_none_or(|flushed_at| now.since(flushed_at) >= FLUSH_EVERY);
        if !self.pending.is_empty() && (flush_is_due || self.pending.len() >= MAX_EVENTS_PER_ROW) {
            self.flush().await?;
        }
        if now.since(self.renewed_at) >= RENEW_EVERY {
            self.renew(now).await
        } else if now.since(self.looked_at) >= LOOK_EVERY {
            self.look(now).await
        } else {
            Ok(())
        }
    }

    /// Stores the pending events, then sends them.
    async fn flush(&mut self) -> Result<(), Stopped> {
        let mut backoff = Backoff::for_outages();
        while let Err(error) = self.try_flush(&backoff).await? {
            if !backoff.after_outage(&error, &*self.chat.host.clock).await {
                return Err(Stopped::Lost(error.into()));
            }
        }
        let now = self.chat.host.now();
        (self.flushed_at, self.looked_at) = (Some(now), now);
        let sent = std::mem::take(&mut self.pending);
        self.send(sent);
        Ok(())
    }

    // `&mut` because a shared reference to a model's stream may not cross threads.
    async fn try_flush(&mut self, backoff: &Backoff) -> Result<Result<(), SqlError>, Stopped> {
        let (sql, workspace, id) = (&*self.chat.host.sql, self.viewer.workspace, self.message.id);
        // An attempt that seemed to fail may have been carried out.
        if backoff.has_paused() {
            match events::after(sql, workspace, id, self.stored_seq).await {
                Ok(events) if events.starts_with(&self.pending) => return Ok(Ok(())),
                Ok(events) if events.is_empty() => {}
                Ok(_) => return Err(Stopped::Overtaken),
                Err(ChatError::Sql(error)) => return Ok(Err(error)),
                Err(error) => return Err(Stopped::Lost(error)),
            }
        }
        let statement = events::append(sql.dialect(), workspace, id, &self.pending);
        match sql.all_or_none(vec![statement]).await {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Err(Stopped::Overtaken),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn renew(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let (sql, workspace, id) = (&*self.chat.host.sql, self.viewer.workspace, self.message.id);
        match messages::renew_lease(sql, workspace, id, now + LEASE).await {
            Ok(true) => (self.renewed_at, self.looked_at) = (now, now),
            Ok(false) => return Err(Stopped::Overtaken),
            // The lease has time for another attempt.
            Err(error) => tracing::warn!(message_id = %id, cause = %error, "a lease was not renewed"),
        }
        Ok(())
    }

    async fn look(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let (sql, workspace, id) = (&*self.chat.host.sql, self.viewer.workspace, self.message.id);
        match messages::is_unfinished(sql, workspace, id).await {
            Ok(false) => return Err(Stopped::Overtaken),
            Ok(true) => {}
            Err(error) => tracing::warn!(message_id = %id, cause = %error, "an answer was not looked at"),
        }
        self.looked_at = now;
        Ok(())
    }

    /// Stores the end together with what was pending, then sends both.
    async fn finish(&mut self, ending: Ending) -> Result<(), Stopped> {
        let seq = self.next_seq();
        self.chat.end(&mut self.message, &ending);
        self.pending.push(self.chat.end_event(&self.message, &ending, seq, &self.call.correlation_id));
        let mut backoff = Backoff::for_outages();
        loop {
            match self.chat.end_with(&self.viewer, &self.message, &self.pending).await {
                Ok(true) => break,
                // Or an attempt that seemed to fail was carried out; then the rest of the log is ours.
                Ok(false) => return Err(Stopped::Overtaken),
                Err(ChatError::Sql(error)) if backoff.after_outage(&error, &*self.chat.host.clock).await => {}
                Err(error) => return Err(Stopped::Lost(error)),
            }
        }
        let sent = std::mem::take(&mut self.pending);
        self.send(sent);
        Ok(())
    }

    /// Sends what others have written into the log.
    async fn send_the_rest(&mut self) {
        loop {
            let (sql, workspace) = (&*self.chat.host.sql, self.viewer.workspace);
            match events::after(sql, workspace, self.message.id, self.stored_seq).await {
                Ok(rest) if rest.is_empty() => return,
                Ok(rest) => self.send(rest),
                Err(error) => {
                    tracing::warn!(message_id = %self.message.id, cause = %error, "the end of an answer was not read");
                    return;
                }
            }
        }
    }

    /// Sends `stored` events. A listener that has left does not matter.
    fn send(&mut self, stored: Vec<Event>) {
        for event in stored {
            self.stored_seq = event.seq;
            if let Some(listener) = &self.listener {
                let _ = listener.unbounded_send(event);
            }
        }
    }
}
