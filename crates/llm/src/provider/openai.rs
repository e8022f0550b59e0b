//! Any server that speaks OpenAI's Chat Completions: OpenAI, Azure, vLLM, llama.cpp, Ollama, OpenRouter, ...

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fault::Fault;
use futures::TryStreamExt;
use host::{ByteStream, Clock, Host, Http, Random, within};
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;

use crate::{
    chunk_stream::ChunkStream,
    error::{ModelError, Reason},
    event_stream::read_chunks,
    exchange::{read_body, read_completion, read_value, send_error},
    retry,
    wire::{ChatRequest, Completion, ErrorDetail, StreamOptions},
};

/// An OpenAI-compatible server.
pub(crate) struct OpenAi {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    url: String,
    authorization: Option<HeaderValue>,
}

impl OpenAi {
    /// The server at `origin` (`https://api.openai.com`), its API below `path` (`/v1`), `key` as its bearer token.
    pub(crate) fn new(host: &Host, origin: &str, path: &str, key: Option<&str>) -> Result<Self, ModelError> {
        let misconfigured = |reason: &str| ModelError::Misconfigured { reason: reason.into() };
        let url = format!("{}/{}/chat/completions", origin.trim_end_matches('/'), path.trim_matches('/'));
        let uri: http::Uri = url.parse().map_err(|_| misconfigured("openai_url with openai_path is not a URL"))?;
        if uri.scheme().is_none() || uri.authority().is_none() {
            return Err(misconfigured("openai_url is not an origin such as https://api.openai.com"));
        }
        let authorization = key.map(bearer).transpose()?;
        let (http, clock, random) = (host.http.clone(), host.clock.clone(), host.random.clone());
        Ok(Self { http, clock, random, url, authorization })
    }

    /// An answer in one piece, which takes at most `limit`.
    pub(crate) async fn complete(&self, request: ChatRequest, limit: Duration) -> Result<Completion, ModelError> {
        let response = self.send(&request, limit).await?;
        let mut completion = read_completion(&read_body(response.into_body()).await?, in_answer)?;
        if wants_one_answer(&request)
            && let [choice] = &mut *completion.choices
        {
            choice.index = 0;
        }
        Ok(completion)
    }

    /// A streamed answer, which begins within `limit`. Usage comes with it in any case.
    pub(crate) async fn stream(&self, mut request: ChatRequest, limit: Duration) -> Result<ChunkStream, ModelError> {
        request.stream = Some(true);
        let options = request.stream_options.get_or_insert_with(StreamOptions::default);
        options.include_usage = Some(true);
        let response = self.send(&request, limit).await?;
        let chunks = read_chunks(response.into_body(), in_answer);
        if !wants_one_answer(&request) {
            return Ok(chunks);
        }
        // Whatever number the only answer has, it is the first.
        Ok(ChunkStream::new(chunks.map_ok(|mut chunk| {
            chunk.number_only_answer();
            chunk
        })))
    }

    /// Asks, and asks again where that may help: see [`retry`].
    async fn send(&self, request: &ChatRequest, limit: Duration) -> Result<http::Response<ByteStream>, ModelError> {
        let body = serde_json::to_vec(request).expect("a request that was read as JSON can be written as JSON");
        let accept = if request.wants_stream() { "text/event-stream" } else { "application/json" };
        let mut message = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(Bytes::from(body))
            .expect("the URL was checked by new, and the headers are constants");
        message.headers_mut().extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        let began = self.clock.now();
        for failures in 1.. {
            let left = limit.saturating_sub(self.clock.now().since(began));
            let failure = match self.attempt(message.clone(), left).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let elapsed = self.clock.now().since(began);
            let asked_ms = failure.error.retry_after_ms();
            match retry::pause(failures, asked_ms, elapsed, limit, self.random_number()) {
                Some(pause) if failure.may_pass => {
                    tracing::info!(cause = ?failure.error, pause_ms = pause.as_millis() as u64, "a provider is asked again");
                    self.clock.sleep(pause).await;
                }
                _ => return Err(failure.error),
            }
        }
        unreachable!("a provider is asked again a few times only")
    }

    async fn attempt(&self, message: Request<Bytes>, limit: Duration) -> Result<http::Response<ByteStream>, Failure> {
        let response = self
            .http
            .send(message, limit)
            .await
            .map_err(|error| Failure { may_pass: retry::may_pass_without_answer(&error), error: send_error(error) })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = within(&*self.clock, limit, read_body(body)).await;
        let detail = body.ok().and_then(Result::ok).and_then(|body| ErrorDetail::find(&read_value(&body)?));
        let error = refusal(head.status, retry::wait_ms(&head.headers, self.clock.now()), &detail.unwrap_or_default());
        // No wait gives an account credit, or makes a conversation shorter.
        let is_final = matches!(error, ModelError::AuthFailed | ModelError::ContextExceeded);
        Err(Failure { may_pass: !is_final && retry::may_pass(head.status, &head.headers), error })
    }

    fn random_number(&self) -> u32 {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}

/// Why an attempt gave no answer, and whether another one may.
struct Failure {
    error: ModelError,
    may_pass: bool,
}

/// True unless the caller asks for several answers to choose from.
fn wants_one_answer(request: &ChatRequest) -> bool {
    request.other.get("n").is_none_or(|number| number.is_null() || *number == 1)
}

fn bearer(key: &str) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| ModelError::Misconfigured { reason: "openai_api_key is not a token".into() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a provider means by a status. Its own codes are looked at first, as one status stands for several things.
pub(super) fn refusal(status: StatusCode, retry_after_ms: Option<u64>, detail: &ErrorDetail) -> ModelError {
    let code = name_in(detail.code.as_ref().and_then(Value::as_str));
    if says_context_exceeded(detail) {
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

/// What a provider means by an error in place of an answer, or of a piece of one, where there is no status to say more.
fn in_answer(detail: &ErrorDetail) -> ModelError {
    let code = name_in(detail.code.as_ref().and_then(Value::as_str));
    let family = name_in(detail.family.as_deref());
    // Gateways in front of providers put the status of what is behind them here.
    let status = detail.code.as_ref().and_then(Value::as_u64);
    if says_context_exceeded(detail) {
        return ModelError::ContextExceeded;
    }
    match (code, family, status) {
        ("insufficient_quota", ..) | (_, "authentication_error" | "permission_error", _) => ModelError::AuthFailed,
        (.., Some(401..=403)) => ModelError::AuthFailed,
        ("rate_limit_exceeded", ..) | (_, "rate_limit_error" | "requests" | "tokens", _) | (.., Some(429)) => {
            ModelError::RateLimited { retry_after_ms: None }
        }
        (_, "overloaded_error", _) | (.., Some(503 | 529)) => {
            ModelError::Unavailable { reason: "the provider is overloaded".into(), retry_after_ms: None }
        }
        _ => ModelError::StreamBroken { reason: format!("the provider sent an error: {family} {code}").into() },
    }
}

/// True where the provider says that the conversation is too long: in OpenAI's code, or in the words of those that have none
/// (OpenAI and vLLM, Anthropic, llama.cpp, Ollama).
fn says_context_exceeded(detail: &ErrorDetail) -> bool {
    let message = detail.message.to_ascii_lowercase();
    let words =
        ["maximum context length", "prompt is too long", "context size", "context window", "exceed context limit"];
    detail.code.as_ref().is_some_and(|code| code == "context_length_exceeded")
        || words.iter().any(|words| message.contains(words))
}

/// A code or a type as the log may have it: a name such as `server_error`, and nothing that could be a part of a key or of what
/// somebody said.
fn name_in(text: Option<&str>) -> &str {
    let is_name = |text: &&str| text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.filter(is_name).unwrap_or_default()
}

#[cfg(test)]
mod tests;
