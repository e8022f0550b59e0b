//! How the other capabilities reach the gateway: over service chaining, in its own wire format.

use std::time::Duration;

use host::{Call, Host, Peer, PeerError, Reply};

use crate::{
    catalogue::Deadlines,
    chunk_stream::ChunkStream,
    error::ModelError,
    event_stream::read_chunks,
    exchange::{MAX_BODY_BYTES, send_error},
    wire::{ChatRequest, Completion, ErrorBody, ModelList, StreamOptions},
};

/// The longest that any model may take, and the passage to the gateway and back: the time limit of routes whose handlers ask for
/// an answer.
pub const LONGEST_CALL: Duration = Deadlines::LONGEST.saturating_add(Duration::from_secs(5));

/// A way to the gateway. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    gateway: Peer,
}

impl Client {
    /// A client that calls from `host`.
    pub fn new(host: &Host) -> Self {
        Self { gateway: Peer::new(host, "llm") }
    }

    /// The models that may be asked for.
    pub async fn models(&self, call: &Call) -> Result<ModelList, ModelError> {
        read(accepted(self.gateway.get("/v1/models", call).await).await?).await
    }

    /// An answer in one piece.
    pub async fn complete(&self, mut request: ChatRequest, call: &Call) -> Result<Completion, ModelError> {
        request.stream = None;
        request.stream_options = None;
        read(self.ask(request, call).await?).await
    }

    /// A streamed answer, with its usage in the last chunk.
    pub async fn stream(&self, mut request: ChatRequest, call: &Call) -> Result<ChunkStream, ModelError> {
        request.stream = Some(true);
        request.stream_options = Some(StreamOptions { include_usage: Some(true), ..StreamOptions::default() });
        Ok(read_chunks(self.ask(request, call).await?.into_stream(), ModelError::from_wire))
    }

    async fn ask(&self, request: ChatRequest, call: &Call) -> Result<Reply, ModelError> {
        let body = serde_json::to_vec(&request).expect("requests have text keys only, so they can be written");
        // While the answer is waited for its question is in memory once.
        drop(request);
        accepted(self.gateway.post("/v1/chat/completions", body, call).await).await
    }
}

/// The reply, unless it is an error of the gateway's.
async fn accepted(reply: Result<Reply, PeerError>) -> Result<Reply, ModelError> {
    let reply = reply.map_err(peer_error)?;
    let status = reply.status();
    if status.is_success() {
        return Ok(reply);
    }
    Err(match reply.json::<ErrorBody>(MAX_BODY_BYTES).await {
        Ok(body) => ModelError::from_wire(&body.error),
        // Spin answers a trap of the gateway with an empty 500 (`docs/spin.md#a-trap`).
        Err(_) => unavailable(format!("the gateway answered {}", status.as_u16())),
    })
}

async fn read<T: serde::de::DeserializeOwned>(reply: Reply) -> Result<T, ModelError> {
    reply.json(MAX_BODY_BYTES).await.map_err(peer_error)
}

fn peer_error(error: PeerError) -> ModelError {
    match error {
        PeerError::Timeout { limit_ms, .. } => ModelError::Timeout { limit_ms },
        PeerError::Unreachable { source, .. } => send_error(source),
        PeerError::BrokeOff { source, .. } => ModelError::StreamBroken { reason: source.to_string().into() },
        PeerError::Name { .. } | PeerError::NoAnswer { .. } => unavailable(error.to_string()),
    }
}

fn unavailable(reason: String) -> ModelError {
    ModelError::Unavailable { reason: reason.into(), retry_after_ms: None }
}

#[cfg(test)]
mod tests;
