//! Writing an answer: reads the model's stream, stores events, and sends what is stored to whoever listens.
//!
//! This runs beside and beyond the request that began it. It may be lost at any point (a kill, a trap of its instance): what is
//! stored then stands, and the lease says that nobody goes on.

use std::time::Duration;

use futures::{StreamExt, TryFutureExt, channel::mpsc};
use host::{sql::SqlError, within};
use ids::Timestamp;
use llm::{Call, ModelError, wire::ChatRequest, wire::Chunk};

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
    message: Message,
    listener: mpsc::UnboundedSender<Event>,
    /// The number of the last stored event.
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
    /// Goes on with `message`, whose event 1 is stored and sent to `listener`.
    pub(crate) fn new(
        chat: Chat,
        viewer: Viewer,
        call: Call,
        message: Message,
        listener: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let now = chat.host.now();
        Self {
            chat,
            viewer,
            call,
            message,
            listener,
            stored_seq: 1,
            pending: Vec::new(),
            usage: None,
            looked_at: now,
            renewed_at: now,
            flushed_at: None,
        }
    }

    /// Writes the answer to its end.
    pub(crate) async fn run(mut self, request: ChatRequest) {
        let stopped = match self.write(request).await {
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
    async fn write(&mut self, request: ChatRequest) -> Result<Ending, Stopped> {
        let (llm, call) = (self.chat.llm.clone(), self.call.clone());
        let opening = async move { llm.stream(request, &call).await };
        let mut chunks = Box::pin(opening.try_flatten_stream());
        loop {
            let clock = self.chat.host.clock.clone();
            match within(&*clock, self.patience(), chunks.next()).await {
                Ok(Some(Ok(chunk))) => self.take(chunk),
                Ok(Some(Err(error))) => return Ok(Ending::Failed(self.failure(error))),
                Ok(None) => return Ok(Ending::Completed(self.usage)),
                Err(_) => {}
            }
            self.keep_up().await?;
        }
    }

    fn take(&mut self, chunk: Chunk) {
        if let Some(text) = chunk.text() {
            self.message.content.push_str(text);
            self.pending.push(delta(self.next_seq(), text));
        }
        self.usage = chunk.usage.map(Into::into).or(self.usage);
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

    async fn try_flush(&self, backoff: &Backoff) -> Result<Result<(), SqlError>, Stopped> {
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
        match events::append(sql, workspace, id, &self.pending).await {
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
        let end = self.chat.end(&mut self.message, &ending, seq, &self.call.correlation_id);
        self.pending.push(end);
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
            let _ = self.listener.unbounded_send(event);
        }
    }
}
