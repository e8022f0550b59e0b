//! Conversations with agents.
//!
//! A conversation is a list of messages in pairs: what a person says, and what the agent answers. A pair is stored in one
//! transaction or not at all. Where the answer is streamed, what the model says in the first moment is stored with the pair;
//! an answer that is not complete by then is a message `in_progress`, which grows through a log of [events](Event). An event is
//! stored before anybody sees it, so a client that was cut off reads the rest from any instance, byte for byte as it was sent.
//! The client's connection and the answer are two things: a client that leaves stops nothing, [`Chat::cancel`] does, and an
//! instance that dies is found out by its lease.
//!
//! This crate knows neither HTTP nor Spin. What the data of its events looks like is decided by an [`EventFormat`].

mod agent;
mod backoff;
mod budget;
mod conversation;
mod deletion;
mod ending;
mod error;
mod event;
mod follow;
mod generation;
mod history;
mod message;
mod post;
mod transaction;
mod viewer;
mod window;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use host::Host;

use crate::{agent::Directory, budget::LongMessages, deletion::Sweeper};
pub use crate::{
    budget::Hold,
    conversation::{Begun, Change, Conversation, Draft, Title},
    error::ChatError,
    event::{Event, EventFormat, EventName},
    follow::Follow,
    message::{Author, Content, Failure, Message, MessagePage, Status, UnknownName, Usage},
    post::Posted,
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
    sweeper: Sweeper,
}

impl Chat {
    /// Conversations in `host`'s database, whose events are written by `format`.
    pub fn new(host: Host, format: Arc<dyn EventFormat>) -> Self {
        let llm = llm::Client::new(&host);
        Self {
            agents: Arc::new(Directory::default()),
            long_messages: LongMessages::default(),
            sweeper: Sweeper::default(),
            llm,
            format,
            host,
        }
    }
}
