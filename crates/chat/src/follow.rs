//! Following an answer: from the beginning or from where a client was cut off, on any instance.
//!
//! The first event is told from the rows of question and answer, the deltas from the log, and the last event from the answer's
//! row again, once that has come to its end.

use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use ids::{ConversationId, MessageId};
use tracing::Instrument;

use crate::{
    Chat,
    error::ChatError,
    event::{Event, ended, repo as events, started, whole},
    message::{Author, Message, Status, repo as messages},
    streams::{Held, Place},
    viewer::Viewer,
};

/// How long to wait for news: the first time, and at most. In between it grows by half each time nothing is new.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What there is to follow.
pub enum Follow<S> {
    /// The events from where the client stands up to the last one.
    Events(S),
    /// The client has seen the last event already.
    Nothing,
}

impl Chat {
    /// The events of the answer `id` with numbers above `after`, those to come included.
    ///
    /// A number that may have been shown and was never stored is one that a client may have seen: it is told what comes after.
    /// Where its deltas are not kept any more they are told as one to a client that has seen none of them, and a client that has
    /// seen some is told that they are gone ([`ChatError::NoLongerKept`]), as is one that needs the question where that is.
    /// They end before the last one where following takes longer than any answer is written; the client comes back for the rest.
    pub async fn follow(
        &self,
        viewer: &Viewer,
        conversation: ConversationId,
        id: MessageId,
        after: u64,
    ) -> Result<Follow<impl Stream<Item = Event> + Send + use<>>, ChatError> {
        let message = self.message(viewer, conversation, id).await?;
        if message.author == Author::User {
            return Err(ChatError::MessageNotFound);
        }
        let mut known = events::after(&*self.host.sql, viewer.workspace, id, after).await?;
        if after == 0 && known.first().is_none_or(|event| event.seq > 1) {
            known.insert(0, self.started(viewer, &message).await?);
        }
        let last = self.last_seq(viewer, &message).await?;
        match last {
            Some(last) if after == last => return Ok(Follow::Nothing),
            Some(last) if after > last => return Err(ChatError::UnknownEvent),
            None if after > message.trail.reserved_seq.max(1) => return Err(ChatError::UnknownEvent),
            _ => {}
        }
        if known.is_empty() && self.has_lost_log(viewer, &message, after, last).await? {
            return Err(ChatError::NoLongerKept);
        }
        let held = self.streams.hold()?;
        let place = Place::take(&self.host, viewer).await?;
        let follower = Follower {
            chat: self.clone(),
            place,
            _held: held,
            viewer: *viewer,
            message,
            seen: after,
            known: known.into_iter(),
            pause: FIRST_PAUSE,
            is_over: false,
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

    async fn started(&self, viewer: &Viewer, answer: &Message) -> Result<Event, ChatError> {
        let (workspace, before, now) = (viewer.workspace, answer.position - 1, self.host.now());
        let question = messages::at(&*self.host.sql, workspace, answer.conversation, before, now).await?;
        // Retention takes what is older first.
        let question = question.ok_or(ChatError::NoLongerKept)?;
        Ok(started(&question, answer, &*self.format))
    }

    /// True where deltas between `after` and the `last` event of an answer were shown, and its log is gone. What is told from the
    /// row alone is the last event, and the first delta where that is the only one.
    async fn has_lost_log(
        &self,
        viewer: &Viewer,
        answer: &Message,
        after: u64,
        last: Option<u64>,
    ) -> Result<bool, ChatError> {
        let is_between = last.is_some_and(|last| after >= 2 && after + 1 < last);
        if !is_between || answer.content.is_empty() {
            return Ok(false);
        }
        // The numbers after those of an answer whose writer died were never stored, and those before were.
        Ok(events::last_seq(&*self.host.sql, viewer.workspace, answer.id).await?.is_none())
    }

    /// The number of the last event of an answer that has ended. Answers of earlier versions have it in their log alone.
    async fn last_seq(&self, viewer: &Viewer, answer: &Message) -> Result<Option<u64>, ChatError> {
        if answer.status == Status::InProgress || answer.trail.last_seq.is_some() {
            return Ok(answer.trail.last_seq);
        }
        let stored = events::last_seq(&*self.host.sql, viewer.workspace, answer.id).await?;
        Ok(stored.or_else(|| ended(answer, &*self.format).map(|event| event.seq)))
    }
}

struct Follower {
    chat: Chat,
    place: Place,
    _held: Held,
    viewer: Viewer,
    message: Message,
    /// The number of the last event that was given out.
    seen: u64,
    /// Events that were read and not given out yet.
    known: std::vec::IntoIter<Event>,
    pause: Duration,
    is_over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        while !self.is_over && !self.place.is_over() {
            if let Some(event) = self.known.next() {
                self.seen = event.seq;
                self.is_over = event.name.is_last();
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
            let found = events::progress(&*host.sql, self.viewer.workspace, self.message.id, self.seen).await?;
            let progress = found.ok_or(ChatError::MessageNotFound)?;
            if !progress.events.is_empty() {
                self.known = progress.events.into_iter();
                self.pause = FIRST_PAUSE;
                return Ok(());
            }
            if progress.status != Status::InProgress || progress.is_abandoned {
                self.known = self.end().await?.into_iter();
                return Ok(());
            }
            if self.place.is_over() {
                return Ok(());
            }
            host.clock.sleep(self.pause).await;
            self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// What is left of an answer that has ended, or that nobody writes any more, when its log is read to the end.
    async fn end(&mut self) -> Result<Vec<Event>, ChatError> {
        let (conversation, id) = (self.message.conversation, self.message.id);
        self.message = self.chat.message(&self.viewer, conversation, id).await?;
        let mut rest = Vec::new();
        // Or its writer was heard of again meanwhile.
        if let Some(end) = ended(&self.message, &*self.chat.format) {
            if self.seen == 1 {
                rest.extend(whole(&self.message));
            }
            rest.extend((end.seq > self.seen).then_some(end));
            self.is_over = rest.is_empty();
        }
        Ok(rest)
    }
}
