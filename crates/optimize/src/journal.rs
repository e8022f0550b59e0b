//! The journal port: where a run writes what it paid for, so that after a crash it goes on instead of paying again.
//!
//! Optimizers are deterministic: given the same answers they ask the same questions. So a run needs no checkpoints of
//! its state. It writes down each answer of a model before it uses it; a later run with the same journal is told those
//! answers again and arrives where the first one stopped. Work that finished as a whole (a program run on an example
//! with its score) is written down as well, because running it again could repeat the effects of the tools that it
//! called.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use predict::LmResponse;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rollout::Rollout;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A task began; the fingerprint covers its settings, the program, the data and the names of the models.
    Began {
        /// The part of the run that is this task; empty for the whole run.
        scope: String,
        /// Lower-case hexadecimal SHA-256.
        fingerprint: String,
    },
    /// A model answered.
    Answered {
        /// The part of the run that asked.
        scope: String,
        /// SHA-256 of model and request, hexadecimal.
        request: String,
        /// How many times this part had asked exactly this before.
        repetition: u32,
        /// The answer.
        response: LmResponse,
    },
    /// A program ran on an example to its end, well or not, and was scored.
    Finished {
        /// The part of the run that this was.
        scope: String,
        /// What came of it.
        rollout: Box<Rollout>,
    },
    /// An embedding model answered.
    Embedded {
        /// SHA-256 of the texts, hexadecimal.
        request: String,
        /// One vector for each text.
        vectors: Vec<Vec<f32>>,
    },
}

/// Why a journal could not be read or written, or does not fit.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The store failed. Nothing was paid for that is not in the journal, except calls under way.
    #[error("the journal is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An entry cannot be read.
    #[error("journal entry {position} cannot be read")]
    Corrupt {
        /// Its position, counted from 0.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The journal belongs to a run with other settings, another program, other data or other models.
    #[error("the journal belongs to another run: {scope:?} was begun with other settings, program, data or models")]
    OfAnotherRun {
        /// The task that differs; empty for the whole run.
        scope: String,
    },
}

/// A durable, append-only list of entries; one journal for each run.
///
/// `append` returns when the entry will survive a crash. Two runs must not write to the same journal at once: whoever
/// starts runs holds a lease on the journal.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Everything written so far, oldest first.
    ///
    /// # Errors
    /// When the entries cannot be read.
    async fn entries(&self) -> Result<Vec<Entry>, JournalError>;

    /// Adds one entry.
    ///
    /// # Errors
    /// When it could not be made durable; the run then stops.
    async fn append(&self, entry: &Entry) -> Result<(), JournalError>;
}

/// A journal that lasts as long as the process: for tests, and for runs that may be repeated within one.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<Vec<Entry>>);

#[async_trait]
impl Journal for MemoryJournal {
    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        Ok(())
    }
}

/// Entries as lines of JSON, the form in which stores keep them.
///
/// A last line that was cut off by a crash is not an entry: its `append` never returned.
///
/// # Errors
/// [`JournalError::Corrupt`] when a complete line is no entry.
///
/// ```
/// use optimize::journal::{Entry, entries_of_lines, line_of_entry};
///
/// let entry = Entry::Began { scope: String::new(), fingerprint: "00".into() };
/// let stored = line_of_entry(&entry) + r#"{"entry":"answ"#;
/// assert_eq!(entries_of_lines(&stored)?, [entry]);
/// # Ok::<(), optimize::journal::JournalError>(())
/// ```
pub fn entries_of_lines(text: &str) -> Result<Vec<Entry>, JournalError> {
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = complete.split('\n').filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(position, line)| serde_json::from_str(line).map_err(|source| JournalError::Corrupt { position, source }))
        .collect()
}

/// One entry as a line of JSON with its line end.
#[must_use]
pub fn line_of_entry(entry: &Entry) -> String {
    let line = serde_json::to_string(entry).expect("entries hold strings, numbers and maps with string keys only");
    line + "\n"
}
