//! The rest of an answer: it is shown as it comes and stored close behind, to its end.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::mpsc, future::BoxFuture};
use host::Call;
use ids::Timestamp;
use llm::{ModelError, estimate_tokens};

use super::{
    Ended, MAX_ANSWER_BYTES, Stopped,
    ledger::Account,
    speech::{Heard, Speech},
    write::{Group, Written, is_worth_another},
};
use crate::{
    Chat,
    agent::not_the_callers,
    answer::{LEASE, repo as answers},
    backoff::Backoff,
    ending::Ending,
    error::ChatError,
    event::{Event, ended, started},
    finish::{FinishReason, Verdict, judge},
    message::{Failure, Message, Posted, Status, Usage, repo as messages},
    viewer::Viewer,
};

/// How often an answer is looked after while nothing else wakes its writer. It is one timer for all that has to be done in time,
/// and is set again only when it has run out: setting one and dropping it are passages to the host.
const TICK: Duration = Duration::from_millis(100);

/// How often the lease is renewed: often enough that two failures in a row do no harm.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How long an attempt to write may take: the deadline of a call of the database. None begins later than this before the end of
/// the lease.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long to wait before looking again whether what somebody else stores of an answer is stored.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The most events that wait for a reader. One that falls back further is cut off, and can come back for the rest.
pub(crate) const MAX_UNREAD: usize = 1024;

/// An answer that is being written.
pub(crate) struct Running {
    chat: Chat,
    viewer: Viewer,
    call: Call,
    speech: Speech,
    question: Message,
    answer: Message,
    /// Sees events as they are shown.
    listener: Option<mpsc::Sender<Event>>,
    account: Account,
    /// The one trip to the database that is under way beside reading and showing.
    work: Option<BoxFuture<'static, Worked>>,
    tick: BoxFuture<'static, ()>,
    /// From when on the lease counts: a moment before the database set it.
    renewed_at: Timestamp,
}

/// What came of a trip to the database.
enum Worked {
    /// Its own events were written, with a lease and numbers up to `reserve`.
    Wrote { reserve: Option<u64>, began: Timestamp, outcome: Result<Written, ChatError> },
    /// Something was done for all answers of the instance, of which the ledger tells.
    Together,
}

/// What woke the writer.
enum Step {
    Heard(Heard),
    Worked(Worked),
    Tick,
}

impl Running {
    /// An answer that was just stored with its question; `began` is a moment before that.
    pub(crate) fn new(
        chat: Chat,
        viewer: Viewer,
        call: Call,
        speech: Speech,
        Posted { question, answer }: Posted,
        began: Timestamp,
    ) -> Self {
        Self {
            account: chat.ledger.enter(viewer.workspace, answer.id, began, chat.host.now()),
            tick: tick(&chat),
            chat,
            viewer,
            call,
            speech,
            question,
            answer,
            listener: None,
            work: None,
            renewed_at: began,
        }
    }

    /// The question, as it is stored.
    pub(crate) fn question(&self) -> &Message {
        &self.question
    }

    /// The events of the answer as they are shown, from the first on; without this nobody is shown any.
    pub(crate) fn listen(&mut self) -> mpsc::Receiver<Event> {
        let (mut listener, events) = mpsc::channel(MAX_UNREAD);
        // An empty channel takes it.
        let _ = listener.try_send(started(&self.question, &self.answer, &*self.chat.format));
        self.listener = Some(listener);
        events
    }

    /// Writes the answer to its end.
    pub(crate) async fn run(mut self) -> Result<Ended, Stopped> {
        let id = self.answer.id;
        let outcome = match self.write().await {
            Ok(ending) => {
                self.speech.stop();
                self.finish(ending).await
            }
            Err(stopped) => Err(stopped),
        };
        match &outcome {
            Ok(_) => {}
            Err(Stopped::Deleted(id)) => tracing::info!(message_id = %id, "an answer was deleted while it was written"),
            // The listener's stream ends without a last event, and the lease tells everybody else.
            Err(Stopped::Lost(error)) => {
                tracing::error!(message_id = %id, cause = %error, "an answer was given up");
            }
        }
        outcome
    }

    /// Shows and stores what the model says. None where somebody else has ended the answer.
    async fn write(&mut self) -> Result<Option<Ending>, Stopped> {
        loop {
            match poll_fn(|context| self.poll_step(context)).await {
                Step::Heard(Heard::Text(text)) => {
                    if let Some(ending) = self.show(text) {
                        return Ok(Some(ending));
                    }
                }
                Step::Heard(Heard::End(end)) => return Ok(Some(self.judged(end))),
                Step::Worked(worked) => {
                    if !self.note(worked)? {
                        return self.dismissed().await;
                    }
                }
                Step::Tick => self.tick = tick(&self.chat),
            }
            if self.account.is_unwanted() {
                return self.dismissed().await;
            }
            self.keep_up();
        }
    }

    /// Whatever comes first: what the database did, what the model says, or the time to look after something.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if let Some(work) = &mut self.work
            && let Poll::Ready(worked) = work.poll_unpin(context)
        {
            self.work = None;
            return Poll::Ready(Step::Worked(worked));
        }
        if self.account.log(|log| log.has_room())
            && let Poll::Ready(heard) = self.speech.poll_heard(context)
        {
            return Poll::Ready(Step::Heard(heard));
        }
        self.tick.poll_unpin(context).map(|()| Step::Tick)
    }

    /// Shows `text` as one delta. Where the answer becomes too long it is cut, and that is its end.
    fn show(&mut self, mut text: String) -> Option<Ending> {
        let room = MAX_ANSWER_BYTES.saturating_sub(self.answer.content.len());
        let is_cut = text.len() > room;
        if is_cut {
            text.truncate(text.floor_char_boundary(room));
        }
        if !text.is_empty() {
            self.answer.content.push_str(&text);
            let event = self.account.log(|log| log.show(&text));
            self.send(event);
        }
        is_cut.then_some(Ending::Completed(Some(FinishReason::Length)))
    }

    /// What the end of the model's stream means for the answer.
    fn judged(&self, end: Result<(), ModelError>) -> Ending {
        let broken = |reason, error| {
            tracing::warn!(message_id = %self.answer.id, cause = ?error, "an answer broke off");
            Ending::Failed(Failure::Model(not_the_callers(error)), reason)
        };
        match end {
            Err(error) => broken(None, error),
            Ok(()) => match judge(self.speech.held()) {
                Verdict::Complete(reason) => Ending::Completed(reason),
                Verdict::Broken(reason, why) => broken(reason, ModelError::StreamBroken { reason: why.into() }),
            },
        }
    }

    /// Begins the next trip to the database, if one is due and none is under way.
    fn keep_up(&mut self) {
        if self.work.is_some() || self.account.is_under_way() {
            return;
        }
        let now = self.chat.host.now();
        let renews = now.since(self.renewed_at) >= RENEW_EVERY || self.account.log(|log| log.runs_short());
        if renews || self.account.is_doubtful() {
            self.work = Some(self.group(now, renews));
        } else if let Some(together) = self.account.due(now) {
            let (sql, clock) = (self.chat.host.sql.clone(), self.chat.host.clock.clone());
            self.work = Some(Box::pin(async move {
                together.store(&*sql, &*clock).await;
                Worked::Together
            }));
        } else if now.since(self.account.wanted_at()) >= TICK
            && let Some(question) = self.account.question(&self.chat.host.sql, now)
        {
            let id = self.answer.id;
            self.work = Some(Box::pin(async move {
                if let Err(error) = question.await {
                    tracing::warn!(message_id = %id, cause = %error, "it is not known whether an answer is wanted");
                }
                Worked::Together
            }));
        }
    }

    /// Stores what is shown and not stored, apart from other answers: with the lease, or in several attempts.
    fn group(&self, now: Timestamp, renews: bool) -> BoxFuture<'static, Worked> {
        let (sql, clock) = (self.chat.host.sql.clone(), self.chat.host.clock.clone());
        let group = Group {
            workspace: self.viewer.workspace,
            answer: self.answer.id,
            events: self.account.log(|log| log.group(usize::MAX)),
            reserve: renews.then(|| self.account.log(|log| log.next_block())),
            began: now,
            is_repeated: self.account.is_doubtful(),
            until: self.last_attempt(),
        };
        // Whoever calls this has seen that nobody else is at it.
        let _ = self.account.begins_alone();
        Box::pin(async move {
            let outcome = group.store(sql, clock).await;
            Worked::Wrote { reserve: group.reserve, began: group.began, outcome }
        })
    }

    /// When no further attempt to write may begin: it has to be over before the lease is.
    fn last_attempt(&self) -> Timestamp {
        self.renewed_at + (LEASE - ATTEMPT)
    }

    /// Notes what came of a trip to the database; false where the answer is wanted no more.
    fn note(&mut self, worked: Worked) -> Result<bool, ChatError> {
        match worked {
            Worked::Together => {}
            Worked::Wrote { reserve, began, outcome } => {
                let Written { count, is_wanted } = outcome?;
                self.account.stored_alone(count, began, self.chat.host.now());
                if !is_wanted {
                    return Ok(false);
                }
                if let Some(seq) = reserve {
                    self.account.log(|log| log.reserved(seq));
                    self.renewed_at = began;
                }
            }
        }
        Ok(true)
    }

    /// How an answer ends that is wanted no more: as cancelled, or as somebody else has ended it.
    async fn dismissed(&mut self) -> Result<Option<Ending>, Stopped> {
        // Before anything else: every word that the model goes on to say costs money.
        self.speech.stop();
        let (sql, workspace) = (&*self.chat.host.sql, self.viewer.workspace);
        let status = answers::status(sql, workspace, self.answer.id).await.map_err(ChatError::from)?;
        match status {
            None => Err(Stopped::Deleted(self.answer.id)),
            Some(Status::InProgress) => Ok(Some(Ending::Cancelled)),
            Some(_) => Ok(None),
        }
    }

    /// Stores the end together with what was shown and is not stored, then shows it.
    async fn finish(&mut self, mut ending: Option<Ending>) -> Result<Ended, Stopped> {
        while ending.is_some()
            && let Some(work) = self.unfinished_work().await
        {
            if !self.note(work.await)? {
                ending = self.dismissed().await?;
            }
        }
        let Some(ending) = ending else {
            // What is under way may be for other answers, too.
            if let Some(work) = self.work.take() {
                work.await;
            }
            return self.overtaken().await;
        };
        let is_shown = self.listener.is_some();
        let (tail, last_seq) = self.account.log(|log| log.tail(is_shown));
        self.answer.trail.last_seq = Some(last_seq);
        self.answer.trail.correlation_id = Some(self.call.correlation_id.clone());
        self.answer.usage = self.usage(&ending);
        self.chat.end(&mut self.answer, &ending);
        let mut backoff = Backoff::for_outages(self.last_attempt());
        loop {
            match self.chat.end_with(&self.viewer, &self.answer, &tail).await {
                Ok(true) => break,
                // Or an attempt that seemed to fail was carried out; then the end is ours.
                Ok(false) => return self.overtaken().await,
                Err(ChatError::Sql(error)) if is_worth_another(&error) => {
                    if !backoff.after_outage(&*self.chat.host.clock).await {
                        return Err(Stopped::Lost(error.into()));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let failure = match ending {
            Ending::Failed(failure, _) => Some(failure),
            Ending::Completed(_) | Ending::Cancelled => None,
        };
        Ok(self.shown(failure))
    }

    /// What has to be over before the end is stored, so that no event is stored twice: a trip that is under way, or one that finds
    /// out what became of the last. What somebody else stores of it is waited for; from then on nobody else stores any.
    async fn unfinished_work(&mut self) -> Option<BoxFuture<'static, Worked>> {
        if let Some(work) = self.work.take() {
            return Some(work);
        }
        while !self.account.begins_alone() {
            self.chat.host.clock.sleep(LOOK_AGAIN).await;
        }
        self.account.is_doubtful().then(|| self.group(self.chat.host.now(), false))
    }

    /// What the answer took: what the provider says, or else an estimate; nothing where the model was never reached.
    fn usage(&self, ending: &Ending) -> Option<Usage> {
        let is_refused = match ending {
            Ending::Failed(Failure::Model(error), _) => {
                !self.speech.has_begun()
                    && !matches!(error, ModelError::Timeout { .. } | ModelError::StreamBroken { .. })
            }
            _ => false,
        };
        if is_refused {
            return None;
        }
        let estimate =
            || Usage::estimated(self.speech.input_tokens()).with_output(estimate_tokens(&self.answer.content));
        self.speech.usage().or_else(|| Some(estimate()))
    }

    /// Shows the end that the answer has come to, whoever brought it about.
    fn shown(&mut self, failure: Option<Failure>) -> Ended {
        if let Some(event) = ended(&self.answer, &*self.chat.format) {
            self.send(event);
        }
        Ended { answer: self.answer.clone(), failure }
    }

    /// Shows the end that somebody else has stored.
    async fn overtaken(&mut self) -> Result<Ended, Stopped> {
        let (sql, id) = (&*self.chat.host.sql, self.answer.id);
        let found = messages::find(sql, &self.viewer, self.answer.conversation, id).await.map_err(ChatError::from)?;
        self.answer = found.flatten().ok_or(Stopped::Deleted(id))?;
        let failure = self.answer.why_failed();
        Ok(self.shown(failure))
    }

    /// Shows an event. A listener that has left does not matter; one that does not keep up is cut off.
    fn send(&mut self, event: Event) {
        if let Some(listener) = &mut self.listener
            && listener.try_send(event).is_err()
        {
            listener.close_channel();
        }
    }
}

fn tick(chat: &Chat) -> BoxFuture<'static, ()> {
    let clock = chat.host.clock.clone();
    async move { clock.sleep(TICK).await }.boxed()
}
