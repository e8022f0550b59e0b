//! Finds out which answers nobody wants any more, while their models are silent and nothing of them is stored.
//!
//! The answers of an instance are asked for together, by whichever of their writers is awake; the others see what came of it when
//! they wake by themselves. Nobody waits for another request, and nobody is woken by one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use host::sql::{Sql, SqlError};
use ids::{MessageId, Timestamp, WorkspaceId};

use crate::answer::repo as answers;

/// How long an answer counts as wanted after the database said so of the instance's answers.
const FRESH_FOR: Duration = Duration::from_millis(50);

/// The answers that are being written in this instance. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<MessageId, Watched>,
    asked_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Watched {
    workspace: WorkspaceId,
    is_unwanted: bool,
}

/// An answer that is watched for as long as this is kept.
pub(crate) struct Watching {
    watch: Watch,
    id: MessageId,
}

impl Watch {
    /// Watches the answer `id`.
    pub(crate) fn begin(&self, workspace: WorkspaceId, id: MessageId) -> Watching {
        self.state().answers.insert(id, Watched { workspace, is_unwanted: false });
        Watching { watch: self.clone(), id }
    }

    /// Tells the writer of the answer `id`, if it is in this instance, that nobody wants it any more.
    pub(crate) fn dismiss(&self, id: MessageId) {
        if let Some(answer) = self.state().answers.get_mut(&id) {
            answer.is_unwanted = true;
        }
    }

    /// Asks which of the answers are still wanted.
    async fn ask(self, sql: Arc<dyn Sql>, answers: Vec<(WorkspaceId, MessageId)>) -> Result<(), SqlError> {
        let wanted = answers::wanted(&*sql, &answers).await?;
        let mut state = self.state();
        for (_, id) in answers.iter().filter(|(_, id)| !wanted.contains(id)) {
            if let Some(answer) = state.answers.get_mut(id) {
                answer.is_unwanted = true;
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Never held across an await, and nothing that can panic happens under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    /// True where somebody has found out that nobody wants the answer any more.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.watch.state().answers.get(&self.id).is_some_and(|answer| answer.is_unwanted)
    }

    /// The question which answers of the instance are still wanted, unless somebody has just asked it.
    pub(crate) fn question(
        &self,
        sql: &Arc<dyn Sql>,
        now: Timestamp,
    ) -> Option<impl Future<Output = Result<(), SqlError>> + Send + use<>> {
        let mut state = self.watch.state();
        if state.asked_at.is_some_and(|asked_at| now.since(asked_at) < FRESH_FOR) {
            return None;
        }
        state.asked_at = Some(now);
        let answers = state.answers.iter().map(|(id, answer)| (answer.workspace, *id)).collect();
        drop(state);
        Some(self.watch.clone().ask(sql.clone(), answers))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.watch.state().answers.remove(&self.id);
    }
}
