//! Conversations with agents.
//!
//! A conversation is a list of messages in pairs: what a person says, and what the agent answers. A pair is stored in one
//! transaction or not at all, its answer `in_progress`, before anybody is told of it. From then on the answer grows through a log
//! of [events](Event), which are shown as they come and stored close behind; its end is stored before it is shown. So a client
//! that was cut off reads the rest from any instance, byte for byte as it was sent, and is told where the last words of a writer
//! that died were not stored. The client's connection and the answer are two things: a client that leaves stops nothing,
//! [`Chat::cancel`] does, and an instance that dies is found out by its lease.
//!
//! This crate knows neither HTTP nor Spin. What the data of its events looks like is decided by an [`EventFormat`].

mod agent;
mod answer;
mod backoff;
mod budget;
mod conversation;
mod deletion;
mod ending;
mod error;
mod event;
mod finish;
mod follow;
mod generation;
mod history;
mod message;
mod post;
mod reading;
mod streams;
mod viewer;
mod window;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use host::Host;

use crate::{agent::Directory, budget::LongMessages, deletion::Sweeper, generation::ledger::Ledger, streams::Streams};
pub use idempotency::{Attempt, Outcome};

pub use crate::{
    budget::Hold,
    conversation::{Change, Conversation, Draft, Title},
    error::ChatError,
    event::{Event, EventFormat, EventName},
    finish::FinishReason,
    follow::Follow,
    message::{Author, Content, Failure, Message, Posted, Status, Usage},
    post::{OnBusy, Question},
    reading::MessagePage,
    viewer::Viewer,
};

/// The capability: everything that can be done with conversations. Cloning it is cheap.
#[derive(Clone)]
pub struct Chat {
    host: Host,
    llm: llm::Client,
    format: Arc<dyn EventFormat>,
    agents: Arc<Directory>,
    long_messages: LongMessages,
    streams: Streams,
    sweeper: Sweeper,
    ledger: Ledger,
}

impl Chat {
    /// Conversations in `host`'s database, whose events are written by `format`.
    pub fn new(host: Host, format: Arc<dyn EventFormat>) -> Self {
        let llm = llm::Client::new(&host);
        Self {
            agents: Arc::new(Directory::default()),
            long_messages: LongMessages::default(),
            streams: Streams::default(),
            sweeper: Sweeper::default(),
            ledger: Ledger::default(),
            llm,
            format,
            host,
        }
    }
}
