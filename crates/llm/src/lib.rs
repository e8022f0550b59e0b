//! The LLM gateway: a catalogue of models, the providers behind them, and OpenAI's wire format for all of them.
//!
//! Two sides meet here. The [`Gateway`] runs in the private component `llm`, which alone holds provider keys; it finds the
//! model, asks its provider and keeps the deadlines. The [`Client`] is how every other capability reaches the gateway
//! over service chaining. Both speak the types of [`wire`], and both end in the same [`ModelError`].
//!
//! An answer that breaks off is an error for its reader at every layer, never a short answer.

mod catalogue;
mod chunk_stream;
mod client;
mod error;
mod event_stream;
mod exchange;
mod gateway;
mod guard;
mod provider;
mod retry;
mod settings;
mod tokens;
pub mod wire;

pub use crate::{
    catalogue::{Catalogue, CatalogueError, Deadlines, Model, ProviderName},
    chunk_stream::ChunkStream,
    client::{Client, LONGEST_CALL},
    error::{ModelError, Reason},
    event_stream::to_sse,
    gateway::Gateway,
    provider::scripted::{Script, ScriptError},
    settings::check_settings,
    tokens::{BYTES_PER_TOKEN, estimate_tokens},
};
