//! How the other capabilities reach the gateway: over service chaining, in its own wire format.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use host::{ByteStream, Http};
use http::{
    HeaderName, Request,
    header::{CONTENT_TYPE, HeaderValue},
};
use ids::WorkspaceId;

use crate::{
    catalogue::Deadlines,
    chunk_stream::ChunkStream,
    error::ModelError,
    event_stream::read_chunks,
    exchange::{read_json, send_error},
    wire::{ChatRequest, Completion, ErrorBody, ModelList, StreamOptions},
};

const ORIGIN: &str = "http://llm.spin.internal";

/// How much longer than the gateway a caller waits, so that the gateway's own error arrives.
const GRACE: Duration = Duration::from_secs(5);

/// On whose behalf the gateway is called.
#[derive(Clone, Debug)]
pub struct Call {
    /// The workspace that pays for the answer.
    pub workspace: WorkspaceId,
    /// What ties the log lines of a request together.
    pub correlation_id: String,
    /// The W3C `traceparent` of the request, if it has one.
    pub traceparent: Option<String>,
}

/// A way to the gateway. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    http: Arc<dyn Http>,
}

impl Client {
    /// A client that calls over `http`.
    pub fn new(http: Arc<dyn Http>) -> Self {
        Self { http }
    }

    /// The models that may be asked for.
    pub async fn models(&self, call: &Call) -> Result<ModelList, ModelError> {
        let request = Request::get(format!("{ORIGIN}/v1/models")).body(Bytes::new());
        let response = self.send(request.expect("the URL is a constant"), call).await?;
        read_json(response).await
    }

    /// An answer in one piece.
    pub async fn complete(&self, mut request: ChatRequest, call: &Call) -> Result<Completion, ModelError> {
        request.stream = None;
        request.stream_options = None;
        read_json(self.send(completion_request(&request), call).await?).await
    }

    /// A streamed answer, with its usage in the last chunk.
    pub async fn stream(&self, mut request: ChatRequest, call: &Call) -> Result<ChunkStream, ModelError> {
        request.stream = Some(true);
        request.stream_options = Some(StreamOptions { include_usage: Some(true), ..StreamOptions::default() });
        Ok(read_chunks(self.send(completion_request(&request), call).await?, ModelError::from_wire))
    }

    async fn send(&self, mut request: Request<Bytes>, call: &Call) -> Result<ByteStream, ModelError> {
        let values = [
            ("x-request-id", Some(call.correlation_id.as_str())),
            ("x-kowai-workspace", Some(call.workspace.to_string().as_str())),
            // Spin overwrites `traceparent` where its own tracing is on (`docs/spin.md#trace-context`), so it travels
            // under our name too.
            ("x-kowai-trace", call.traceparent.as_deref()),
            ("traceparent", call.traceparent.as_deref()),
        ]
        .map(|(name, value)| (name, value.and_then(|value| HeaderValue::from_str(value).ok())));
        for (name, value) in values {
            request.headers_mut().extend(value.map(|value| (HeaderName::from_static(name), value)));
        }
        let response = self.http.send(request, Deadlines::LONGEST + GRACE).await.map_err(send_error)?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let status = response.status().as_u16();
        Err(match read_json::<ErrorBody>(response.into_body()).await {
            Ok(body) => ModelError::from_wire(&body.error),
            // Spin answers a trap of the gateway with an empty 500 (`docs/spin.md#a-trap`).
            Err(_) => ModelError::Unavailable {
                reason: format!("the gateway answered {status}").into(),
                retry_after_ms: None,
            },
        })
    }
}

fn completion_request(request: &ChatRequest) -> Request<Bytes> {
    let body = serde_json::to_vec(request).expect("requests have text keys only, so they can be written");
    Request::post(format!("{ORIGIN}/v1/chat/completions"))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .expect("the URL and the header are constants")
}

#[cfg(test)]
mod tests;
