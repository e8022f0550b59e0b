//! Who answers: one module for each provider.
//!
//! A provider turns a request for one of its models into a completion or a stream of chunks. Deadlines between pieces and
//! for the whole are the gateway's.

pub(crate) mod openai;
pub(crate) mod scripted;
