//! Any server that speaks OpenAI's Chat Completions: OpenAI, Azure, vLLM, llama.cpp, Ollama, OpenRouter, ...

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use host::Http;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
};

use crate::{
    chunk_stream::ChunkStream,
    error::{ModelError, Reason},
    event_stream::read_chunks,
    exchange::{read_json, send_error},
    wire::{ChatRequest, Completion, ErrorBody, ErrorDetail, StreamOptions},
};

/// An OpenAI-compatible server.
pub(crate) struct OpenAi {
    http: Arc<dyn Http>,
    url: String,
    authorization: Option<HeaderValue>,
}

impl OpenAi {
    /// The server at `origin` (`https://api.openai.com`), its API below `path` (`/v1`), `key` as its bearer token.
    pub(crate) fn new(http: Arc<dyn Http>, origin: &str, path: &str, key: Option<&str>) -> Result<Self, ModelError> {
        let misconfigured = |reason: &str| ModelError::Misconfigured { reason: reason.into() };
        let url = format!("{}/{}/chat/completions", origin.trim_end_matches('/'), path.trim_matches('/'));
        let uri: http::Uri = url.parse().map_err(|_| misconfigured("openai_url with openai_path is not a URL"))?;
        if uri.scheme().is_none() || uri.authority().is_none() {
            return Err(misconfigured("openai_url is not an origin such as https://api.openai.com"));
        }
        let authorization = key.map(bearer).transpose()?;
        Ok(Self { http, url, authorization })
    }

    /// An answer in one piece, which takes at most `limit`.
    pub(crate) async fn complete(&self, request: ChatRequest, limit: Duration) -> Result<Completion, ModelError> {
        let response = self.send(&request, limit).await?;
        read_json(response.into_body()).await
    }

    /// A streamed answer, which begins within `limit`. Usage comes with it in any case.
    pub(crate) async fn stream(&self, mut request: ChatRequest, limit: Duration) -> Result<ChunkStream, ModelError> {
        request.stream = Some(true);
        let options = request.stream_options.get_or_insert_with(StreamOptions::default);
        options.include_usage = Some(true);
        let response = self.send(&request, limit).await?;
        Ok(read_chunks(response.into_body(), in_stream))
    }

    async fn send(
        &self,
        request: &ChatRequest,
        limit: Duration,
    ) -> Result<http::Response<host::ByteStream>, ModelError> {
        let body = serde_json::to_vec(request).expect("a request that was read as JSON can be written as JSON");
        let accept = if request.wants_stream() { "text/event-stream" } else { "application/json" };
        let mut message = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(Bytes::from(body))
            .expect("the URL was checked by new, and the headers are constants");
        message.headers_mut().extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        let response = self.http.send(message, limit).await.map_err(send_error)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let detail = read_json::<ErrorBody>(body).await.map(|body| body.error).unwrap_or_default();
        Err(refusal(head.status, retry_after_ms(&head.headers), &detail))
    }
}

fn bearer(key: &str) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| ModelError::Misconfigured { reason: "openai_api_key is not a token".into() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a provider means by a status. OpenAI's own codes are looked at first, as one status stands for several things.
pub(super) fn refusal(status: StatusCode, retry_after_ms: Option<u64>, detail: &ErrorDetail) -> ModelError {
    let code = detail.code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
    // Servers that have no codes say it in the message, in OpenAI's own words.
    if code == "context_length_exceeded" || detail.message.contains("maximum context length") {
        return ModelError::ContextExceeded;
    }
    // A 429 that waiting does not cure: the account has no credit.
    if code == "insufficient_quota" {
        return ModelError::AuthFailed;
    }
    // The provider's message is not passed on: a 401 of OpenAI repeats part of the key.
    let reason = Reason::from(match code {
        "" => format!("status {}", status.as_u16()),
        code => format!("status {}, code {code}", status.as_u16()),
    });
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => ModelError::AuthFailed,
        StatusCode::NOT_FOUND => ModelError::Misconfigured { reason },
        StatusCode::PAYLOAD_TOO_LARGE => ModelError::ContextExceeded,
        StatusCode::TOO_MANY_REQUESTS => ModelError::RateLimited { retry_after_ms },
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ModelError::Timeout { limit_ms: 0 },
        status if status.is_client_error() => ModelError::Rejected { reason },
        _ => ModelError::Unavailable { reason, retry_after_ms },
    }
}

/// What a provider means by an error in the middle of a stream, where there is no status to say more.
fn in_stream(detail: &ErrorDetail) -> ModelError {
    let code = detail.code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
    let family = detail.family.as_deref().unwrap_or_default();
    match (code, family) {
        ("context_length_exceeded", _) => ModelError::ContextExceeded,
        ("insufficient_quota", _) => ModelError::AuthFailed,
        ("rate_limit_exceeded", _) | (_, "rate_limit_error" | "requests" | "tokens") => {
            ModelError::RateLimited { retry_after_ms: None }
        }
        _ => ModelError::StreamBroken { reason: format!("the provider sent an error: {family} {code}").into() },
    }
}

/// `retry-after-ms` (OpenAI) or `Retry-After` in seconds (RFC 9110, section 10.2.3; providers do not send its other form).
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let number = |name: HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let ms = number(HeaderName::from_static("retry-after-ms")).or_else(|| Some(number(RETRY_AFTER)? * 1000.0))?;
    // A float that is negative or not a number becomes 0, one beyond the range its end.
    Some(ms.ceil() as u64)
}

#[cfg(test)]
mod tests;
