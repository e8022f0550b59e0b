//! Writing an answer, in two stages: [`Opening`], in which the model is asked while question and answer are stored, and
//! [`Running`], in which what the model says is shown as it comes and stored close behind.
//!
//! The second stage runs beside and beyond the request that began it. It may be lost at any point (a kill, a trap of its
//! instance): what is stored then stands, and the lease says that nobody goes on.

mod asking;
pub(crate) mod ledger;
mod log;
mod opening;
mod pace;
mod running;
mod speech;
mod write;

use ids::MessageId;

use crate::{
    error::ChatError,
    message::{Failure, Message},
};

pub(crate) use self::{log::BLOCK, opening::Opening, running::Running};

/// The most that an answer says, in bytes; a longer one is cut there, with the finish reason `length`. Its row stays far below
/// the 16 MiB that MariaDB takes in one packet (`max_allowed_packet`).
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;

/// An answer that has come to its end, and why it failed, if it did.
pub(crate) struct Ended {
    pub(crate) answer: Message,
    pub(crate) failure: Option<Failure>,
}

/// Why an answer was not written to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stopped {
    /// The answer is gone, with its conversation.
    #[error("the answer {0} was deleted")]
    Deleted(MessageId),
    /// It cannot be stored, also after several attempts.
    #[error(transparent)]
    Lost(#[from] ChatError),
}
