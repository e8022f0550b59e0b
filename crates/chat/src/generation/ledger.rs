//! The answers that are being written in this instance: what is to be stored of each, and which of them nobody wants any more.
//!
//! What they have shown is stored together, by whichever of their writers is awake when it is due, and that tells of each whether
//! it is still wanted. So an instance is one client of the database, however many answers it writes. Of those that have shown
//! nothing for a while, one asks for all. Nobody waits for another request, and nobody is woken by one
//! (`docs/spin.md#waking-another-request`): the others see what came of it when they wake by themselves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use host::{
    Clock,
    sql::{Sql, SqlError},
};
use ids::{MessageId, Timestamp, WorkspaceId};

use super::{log::Log, pace::Pace};
use crate::{
    answer::repo as answers,
    event::repo::{self as events, Portion},
};

/// How long an answer counts as wanted after the database said so of the instance's answers.
const FRESH_FOR: Duration = Duration::from_millis(50);

/// The most answers that are stored together.
const MAX_TOGETHER: usize = 32;

/// The answers of an instance. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<MessageId, Entry>,
    pace: Option<Pace>,
    /// Events of several answers are being stored.
    is_storing: bool,
    asked_at: Option<Timestamp>,
}

struct Entry {
    workspace: WorkspaceId,
    log: Log,
    /// Some of its events are being stored, by whoever.
    is_under_way: bool,
    /// It is not known whether the events that were being stored last are.
    is_doubtful: bool,
    is_unwanted: bool,
    /// When the database last said that it is wanted.
    wanted_at: Timestamp,
}

/// An answer that stands in the ledger for as long as this is kept.
pub(crate) struct Account {
    ledger: Ledger,
    id: MessageId,
}

impl Ledger {
    /// Enters the answer `id`, which was stored by a write from `began` to `ended`.
    pub(crate) fn enter(&self, workspace: WorkspaceId, id: MessageId, began: Timestamp, ended: Timestamp) -> Account {
        let entry = Entry {
            workspace,
            log: Log::new(),
            is_under_way: false,
            is_doubtful: false,
            is_unwanted: false,
            wanted_at: began,
        };
        let mut state = self.state();
        state.answers.insert(id, entry);
        state.pace.get_or_insert_with(|| Pace::after_write(began, ended));
        Account { ledger: self.clone(), id }
    }

    /// Tells the writer of the answer `id`, if it is in this instance, that nobody wants it any more.
    pub(crate) fn dismiss(&self, id: MessageId) {
        if let Some(answer) = self.state().answers.get_mut(&id) {
            answer.is_unwanted = true;
        }
    }

    /// Asks which of the answers are still wanted.
    async fn ask(
        self,
        sql: Arc<dyn Sql>,
        asked: Vec<(WorkspaceId, MessageId)>,
        began: Timestamp,
    ) -> Result<(), SqlError> {
        let wanted = answers::wanted(&*sql, &asked).await?;
        let mut state = self.state();
        for (_, id) in asked {
            if let Some(answer) = state.answers.get_mut(&id) {
                match wanted.contains(&id) {
                    true => answer.wanted_at = answer.wanted_at.max(began),
                    false => answer.is_unwanted = true,
                }
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Never held across an await, and nothing that can panic happens under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Looks into the log of the answer, or changes it.
    pub(crate) fn log<T>(&self, look: impl FnOnce(&mut Log) -> T) -> T {
        self.entry(|entry| look(&mut entry.log))
    }

    /// True where somebody has found out that nobody wants the answer any more.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.entry(|entry| entry.is_unwanted)
    }

    /// True while events of the answer are being stored, by whoever.
    pub(crate) fn is_under_way(&self) -> bool {
        self.entry(|entry| entry.is_under_way)
    }

    /// True where it is not known whether the events that were being stored last are. Then its writer has to see to it alone.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.entry(|entry| entry.is_doubtful)
    }

    /// When the database last said that the answer is wanted.
    pub(crate) fn wanted_at(&self) -> Timestamp {
        self.entry(|entry| entry.wanted_at)
    }

    /// Notes that its own writer stores its events from now on, apart from those of others; false where somebody else is at it.
    pub(crate) fn begins_alone(&self) -> bool {
        self.entry(|entry| !std::mem::replace(&mut entry.is_under_way, true))
    }

    /// Notes that the oldest `count` of its events are stored, by a write of its own from `began` to `ended`.
    pub(crate) fn stored_alone(&self, count: usize, began: Timestamp, ended: Timestamp) {
        self.entry(|entry| entry.is_stored(count, began));
        self.ledger.state().pace = Some(Pace::after_write(began, ended));
    }

    /// What is to be stored of the answers of the instance, if it is time to, and if some of this one is.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Together> {
        let mut state = self.ledger.state();
        if state.is_storing || !state.pace.is_none_or(|pace| pace.is_due(now)) {
            return None;
        }
        state.answers.get(&self.id).filter(|entry| entry.is_due())?;
        let due = state.answers.iter_mut().filter(|(_, entry)| entry.is_due()).take(MAX_TOGETHER);
        let portions: Vec<Portion> = due
            .map(|(id, entry)| {
                entry.is_under_way = true;
                Portion { workspace: entry.workspace, answer: *id, events: entry.log.group(events::MAX_EVENTS_PER_ROW) }
            })
            .collect();
        state.is_storing = true;
        drop(state);
        Some(Together { ledger: self.ledger.clone(), portions, began: now, is_settled: false })
    }

    /// The question which answers of the instance are still wanted, unless somebody has just asked it.
    pub(crate) fn question(
        &self,
        sql: &Arc<dyn Sql>,
        now: Timestamp,
    ) -> Option<impl Future<Output = Result<(), SqlError>> + Send + use<>> {
        let mut state = self.ledger.state();
        if state.asked_at.is_some_and(|asked_at| now.since(asked_at) < FRESH_FOR) {
            return None;
        }
        state.asked_at = Some(now);
        let answers = state.answers.iter().map(|(id, answer)| (answer.workspace, *id)).collect();
        drop(state);
        Some(self.ledger.clone().ask(sql.clone(), answers, now))
    }

    fn entry<T>(&self, look: impl FnOnce(&mut Entry) -> T) -> T {
        look(
            self.ledger
                .state()
                .answers
                .get_mut(&self.id)
                .expect("an answer stands in the ledger while its account is kept"),
        )
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.ledger.state().answers.remove(&self.id);
    }
}

impl Entry {
    fn is_due(&self) -> bool {
        self.log.is_behind() && !self.is_under_way && !self.is_doubtful && !self.is_unwanted
    }

    fn is_stored(&mut self, count: usize, began: Timestamp) {
        self.log.stored(count);
        (self.is_under_way, self.is_doubtful) = (false, false);
        self.wanted_at = self.wanted_at.max(began);
    }
}

/// Events of several answers that are to be stored in one write.
pub(crate) struct Together {
    ledger: Ledger,
    portions: Vec<Portion>,
    began: Timestamp,
    is_settled: bool,
}

impl Together {
    /// Stores them, and notes of each answer what came of it.
    pub(crate) async fn store(mut self, sql: &dyn Sql, clock: &dyn Clock) {
        let stored = events::append_each(sql, &self.portions).await;
        if let Err(error) = &stored {
            tracing::warn!(cause = %error, answers = self.portions.len(), "events of answers could not be stored together");
        }
        let mut state = self.ledger.state();
        for portion in &self.portions {
            let Some(entry) = state.answers.get_mut(&portion.answer) else { continue };
            match &stored {
                Ok(stored) if stored.contains(&portion.answer) => entry.is_stored(portion.events.len(), self.began),
                Ok(_) => (entry.is_under_way, entry.is_unwanted) = (false, true),
                Err(_) => (entry.is_under_way, entry.is_doubtful) = (false, true),
            }
        }
        state.is_storing = false;
        state.pace = Some(Pace::after_write(self.began, clock.now()));
        drop(state);
        self.is_settled = true;
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let mut state = self.ledger.state();
        for portion in &self.portions {
            if let Some(entry) = state.answers.get_mut(&portion.answer) {
                (entry.is_under_way, entry.is_doubtful) = (false, true);
            }
        }
        state.is_storing = false;
    }
}

#[cfg(test)]
mod tests {
    use ids::Id;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000 + ms)
    }

    fn answer(number: u8) -> MessageId {
        MessageId::new(at(0), [number; 10])
    }

    /// Two answers of an instance that have shown a word each.
    fn two() -> [Account; 2] {
        let ledger = Ledger::default();
        [1, 2].map(|number| {
            let account = ledger.enter(WorkspaceId::new(at(0), [7; 10]), answer(number), at(0), at(1));
            account.log(|log| log.show("word"));
            account
        })
    }

    fn due(account: &Account, ms: i64) -> Vec<MessageId> {
        let mut due: Vec<_> = account.due(at(ms)).iter().flat_map(|it| &it.portions).map(|it| it.answer).collect();
        due.sort();
        due
    }

    #[test]
    fn whoever_is_awake_when_it_is_time_stores_for_all_and_nobody_else_does_meanwhile() {
        let [first, second] = two();
        assert!(due(&first, 50).is_empty(), "it is not time");
        let together = first.due(at(51)).expect("it is time");
        assert_eq!(together.portions.len(), 2);
        assert!(first.is_under_way() && second.is_under_way());
        second.log(|log| log.show("another"));
        assert!(due(&second, 1_000).is_empty());
    }

    #[test]
    fn what_its_own_writer_stores_nobody_else_does() {
        let [first, second] = two();
        assert!(first.begins_alone());
        assert!(!first.begins_alone());
        assert_eq!(due(&second, 51), [answer(2)]);
        first.stored_alone(1, at(52), at(53));
        first.log(|log| log.show("another"));
        assert!(due(&first, 100).is_empty(), "a write alone counts, too");
        assert_eq!(due(&first, 103), [answer(1)]);
    }

    #[test]
    fn where_a_write_for_all_is_lost_each_writer_sees_to_its_own() {
        let [first, second] = two();
        drop(first.due(at(51)).expect("it is time"));
        assert!([&first, &second].iter().all(|it| it.is_doubtful() && !it.is_under_way()));
        assert!(due(&first, 1_000).is_empty() && due(&second, 1_000).is_empty());
        assert!(second.begins_alone());
        second.stored_alone(1, at(1_000), at(1_001));
        assert!(!second.is_doubtful());
    }
}
