//! The writes of an answer, each of which may have been carried out although it seemed to fail.

use std::sync::Arc;

use fault::{Fault, Kind};
use host::{
    Clock,
    sql::{Sql, SqlError, Statement},
};
use ids::{MessageId, Timestamp, WorkspaceId};

use crate::{
    answer::repo as answers,
    backoff::Backoff,
    error::ChatError,
    event::{Event, repo as events},
};

/// Some events that are to be stored together, with a renewal of the lease if that is due.
pub(crate) struct Group {
    pub(crate) workspace: WorkspaceId,
    pub(crate) answer: MessageId,
    /// Numbered without gaps, and not stored yet; none for a renewal alone.
    pub(crate) events: Vec<Event>,
    /// The number up to which events may be shown with the renewed lease.
    pub(crate) reserve: Option<u64>,
    /// True where it was to be stored before, and it is not known whether it was.
    pub(crate) is_repeated: bool,
    /// When the write began.
    pub(crate) began: Timestamp,
    /// When no further attempt may begin any more.
    pub(crate) until: Timestamp,
}

/// What came of a write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// How many of the events are stored now, from the first on.
    pub(crate) count: usize,
    /// False where the answer has ended, or somebody has asked for its end: then nothing more of it can be stored this way.
    pub(crate) is_wanted: bool,
}

impl Group {
    /// Stores the group, in as many attempts as it takes.
    pub(crate) async fn store(&self, sql: Arc<dyn Sql>, clock: Arc<dyn Clock>) -> Result<Written, ChatError> {
        let mut backoff = Backoff::for_outages(self.until);
        loop {
            let attempt = self.attempt(&*sql, self.is_repeated || backoff.has_paused()).await;
            match attempt {
                Err(ChatError::Sql(error)) if is_worth_another(&error) => {
                    if !backoff.after_outage(&*clock).await {
                        return Err(error.into());
                    }
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, sql: &dyn Sql, is_repeated: bool) -> Result<Written, ChatError> {
        let (all, mut events) = (self.events.len(), self.events.as_slice());
        // An attempt that seemed to fail may have been carried out, or be carried out after its deadline.
        if is_repeated && let Some(first) = events.first() {
            let stored = events::after(sql, self.workspace, self.answer, first.seq - 1).await?;
            // Whole rows of it are there, from the first on.
            if events.starts_with(&stored) {
                events = &events[stored.len()..];
            }
        }
        let mut statements: Vec<Statement> = Vec::new();
        statements.extend(self.reserve.map(|seq| answers::renew(self.workspace, self.answer, seq)));
        statements.extend(events::append_wanted(self.workspace, self.answer, events));
        if statements.is_empty() || sql.all_or_none(statements).await? {
            return Ok(Written { count: all, is_wanted: true });
        }
        Ok(Written { count: all - events.len(), is_wanted: false })
    }
}

/// True of what may pass, and of a row that is there already: the attempt before was carried out late.
pub(crate) fn is_worth_another(error: &SqlError) -> bool {
    error.kind() == Kind::Unavailable || matches!(error, SqlError::UniqueViolation { .. })
}
