//! Deleting a conversation: nobody sees it any more at once, and what it said is deleted in batches behind that.
//!
//! The batches are made after the response, by the instance that got the request. Where that dies, or does not get done in time,
//! any instance goes on that is asked for conversations later: what there is left to do is in the database, and a claim there says
//! who is at it, by the database's clock. A batch deletes what is the newest by then, so whoever comes second deletes less, and
//! never what is not to be deleted.

pub(crate) mod repo;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use host::sql::transact;
use ids::{ConversationId, Timestamp, WorkspaceId};
use tracing::Instrument;

use crate::{Chat, budget::fitting, error::ChatError};

/// How long an instance is believed to be at work on a conversation after its last batch.
pub(crate) const CLAIM: Duration = Duration::from_secs(30);

/// A batch has at most so many messages and, if it has more than one message, so many rows of events: far less than a statement's
/// deadline has room for.
const BATCH_MESSAGES: i64 = 200;
const BATCH_EVENT_ROWS: usize = 2000;

/// How long one task goes on. What is left then is taken up by whoever looks next.
const TURN: Duration = Duration::from_secs(60);

/// How often an instance looks for what others have left.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A conversation that has been deleted and of which something may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) conversation: ConversationId,
    pub(crate) workspace: WorkspaceId,
}

/// When this instance looked for the last time whether something is left to be deleted. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sweeper(Arc<AtomicI64>);

impl Sweeper {
    /// True once in a while.
    fn is_due(&self, now: Timestamp) -> bool {
        let looked_at = Timestamp::from_millis(self.0.load(Ordering::Relaxed));
        let is_due = now.since(looked_at) >= LOOK_EVERY;
        if is_due {
            self.0.store(now.as_millis(), Ordering::Relaxed);
        }
        is_due
    }
}

impl Chat {
    /// Deletes after the response what is left of a conversation that this instance has claimed.
    pub(crate) fn erase_later(&self, tombstone: Tombstone) {
        let chat = self.clone();
        let erasing = async move { chat.erase(tombstone).await };
        self.host.tasks.spawn(Box::pin(erasing.instrument(tracing::Span::current())));
    }

    /// Looks once in a while, after the response, whether others have left something to be deleted, and for idempotency keys that
    /// have expired.
    pub(crate) fn sweep_later(&self) {
        if self.sweeper.is_due(self.host.now()) {
            let chat = self.clone();
            let sweeping = async move { chat.sweep().await };
            self.host.tasks.spawn(Box::pin(sweeping.instrument(tracing::Span::current())));
        }
    }

    async fn sweep(&self) {
        let sql = &*self.host.sql;
        if let Err(error) = idempotency::sweep(sql, self.host.now()).await {
            tracing::warn!(cause = %error, "expired idempotency keys were not deleted");
        }
        let claimed = async {
            let Some(tombstone) = repo::unclaimed(sql).await? else { return Ok(None) };
            Ok::<_, ChatError>(repo::claim(sql, tombstone, CLAIM).await?.then_some(tombstone))
        };
        match claimed.await {
            Ok(None) => {}
            Ok(Some(tombstone)) => self.erase(tombstone).await,
            Err(error) => tracing::warn!(cause = %error, "what is left to be deleted was not looked for"),
        }
    }

    /// Deletes batch after batch for as long as a task may, and lets others go on then.
    async fn erase(&self, tombstone: Tombstone) {
        let began = self.host.now();
        let outcome = loop {
            match self.erase_batch(tombstone).await {
                Ok(true) if self.host.now().since(began) < TURN => {}
                Ok(true) => break repo::release(&*self.host.sql, tombstone).await.map_err(ChatError::from),
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = outcome {
            // The claim runs out, and somebody else goes on.
            tracing::warn!(conversation_id = %tombstone.conversation, cause = %error, "a deletion was interrupted");
        }
    }

    /// Deletes one batch; false where nothing is left.
    pub(crate) async fn erase_batch(&self, tombstone: Tombstone) -> Result<bool, ChatError> {
        let (sql, now) = (&*self.host.sql, self.host.now());
        let mut doomed = repo::newest(sql, tombstone, BATCH_MESSAGES, now).await?;
        if doomed.is_empty() {
            repo::forget(sql, tombstone).await?;
            return Ok(false);
        }
        doomed.truncate(fitting(doomed.iter().map(|message| message.event_rows), BATCH_EVENT_ROWS));
        transact(sql, &*self.host.clock, |transaction| {
            let doomed = doomed.clone();
            Box::pin(async move { Ok(repo::delete(transaction, tombstone, &doomed, CLAIM).await?) })
        })
        .await
    }
}
