//! Following an answer from its log: from the beginning or from where a client was cut off, on any instance.

use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use host::Call;
use ids::{ConversationId, CorrelationId, MessageId, Timestamp};
use tracing::Instrument;

use crate::{
    Chat,
    error::ChatError,
    event::{Event, replay, repo as events},
    message::{Author, Message, Status, repo as messages},
    viewer::Viewer,
};

/// How long to wait for news: the first time, and at most. In between it grows by half each time nothing is new.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How often an answer without news is looked at, to see whether anybody still writes it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What there is to follow.
pub enum Follow<S> {
    /// The events from where the client stands up to the last one.
    Events(S),
    /// The client has seen the last event already.
    Nothing,
}

impl Chat {
    /// The events of the answer `id` with numbers above `after`, those to come included.
    pub async fn follow(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        id: MessageId,
        after: u64,
        call: &Call,
    ) -> Result<Follow<impl Stream<Item = Event> + Send + use<>>, ChatError> {
        let message = self.message(viewer, conversation, id).await?;
        if message.author == Author::User {
            return Err(ChatError::MessageNotFound);
        }
        // The event that the client has seen last is read too, since a number that was never sent is a mistake.
        let from = after.saturating_sub(1);
        let mut known = events::after(&*self.host.sql, viewer.workspace, id, from).await?;
        if known.is_empty() && message.status != Status::InProgress {
            known = self.replay(viewer, &message, &call.correlation_id).await?;
            known.retain(|event| event.seq > from);
        }
        if after > 0 {
            match known.first() {
                Some(seen) if seen.seq == after && seen.name.is_last() => return Ok(Follow::Nothing),
                Some(seen) if seen.seq == after => drop(known.remove(0)),
                _ => return Err(ChatError::UnknownEvent),
            }
        }
        let follower = Follower {
            looked_at: self.host.now(),
            chat: self.clone(),
            viewer: *viewer,
            message,
            seen: after,
            known: known.into_iter(),
            pause: FIRST_PAUSE,
            ended: false,
        };
        // The stream is read when the request is over for the rest of the stack, and its log lines belong to it still.
        let span = tracing::Span::current();
        let events = stream::unfold(follower, move |mut follower| {
            let next = async move { follower.next().await.map(|event| (event, follower)) };
            next.instrument(span.clone())
        });
        // Whoever shows them may ask again after the last one, where an unfolded stream would panic.
        Ok(Follow::Events(events.fuse()))
    }

    async fn replay(
        &self,
        viewer: &Viewer,
        answer: &Message,
        correlation_id: &CorrelationId,
    ) -> Result<Vec<Event>, ChatError> {
        let (workspace, before, now) = (viewer.workspace, answer.position - 1, self.host.now());
        let question = messages::at(&*self.host.sql, workspace, answer.conversation, before, now).await?;
        let question = question.ok_or(ChatError::MessageNotFound)?;
        Ok(replay(&question, answer, &*self.format, correlation_id))
    }
}

struct Follower {
    chat: Chat,
    viewer: Viewer,
    message: Message,
    /// The number of the last event that was given out.
    seen: u64,
    /// Events that were read and not given out yet.
    known: std::vec::IntoIter<Event>,
    pause: Duration,
    looked_at: Timestamp,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            if let Some(event) = self.known.next() {
                self.seen = event.seq;
                self.ended = event.name.is_last();
                return Some(event);
            }
            // A failure here ends the stream. The client comes back with the number that it has seen last, and is then
            // told what is wrong in an answer of its own.
            if let Err(error) = self.read().await {
                tracing::warn!(message_id = %self.message.id, cause = %error, "following an answer ended early");
                return None;
            }
        }
        None
    }

    /// Waits for news.
    async fn read(&mut self) -> Result<(), ChatError> {
        let host = self.chat.host.clone();
        loop {
            let news = events::after(&*host.sql, self.viewer.workspace, self.message.id, self.seen).await?;
            if !news.is_empty() {
                self.known = news.into_iter();
                self.pause = FIRST_PAUSE;
                return Ok(());
            }
            let now = host.now();
            if now.since(self.looked_at) >= LOOK_EVERY {
                self.looked_at = now;
                // Where nobody writes it any more this ends it, and the next round reads its last event. Where the
                // conversation was deleted this is an error.
                self.message = self.chat.message(&self.viewer, self.message.conversation, self.message.id).await?;
            }
            host.clock.sleep(self.pause).await;
            self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }
}
