//! The component's door: HTTP in, `kowai:step/step` out.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use host::{Clock, spin::SpinClock};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use spin_sdk::http::{IntoResponse, Request, body::IncomingBodyExt};
use step::{Descriptor, Effect, Failure, FailureKind};

use crate::answer;

/// The most that a step may be given, in bytes.
const MAX_CALL_BYTES: usize = 8 * 1024 * 1024;

mod imported {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "adapter",
        runtime_path: "spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

use imported::kowai::step::step as wit;

#[spin_sdk::http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let response = match *request.method() {
        Method::GET => describe(),
        Method::POST => answer::answer(run(request).await),
        _ => answer::json(StatusCode::METHOD_NOT_ALLOWED, &"GET describes the step, POST runs it"),
    };
    Ok::<_, spin_sdk::http::Error>(response.map(Full::new))
}

fn describe() -> Response<Bytes> {
    let it = wit::describe();
    let schema = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let descriptor = Descriptor {
        input_schema: schema(&it.input_schema),
        output_schema: schema(&it.output_schema),
        name: it.name,
        description: it.description,
        effect: match it.effect {
            wit::Effect::Pure => Effect::Pure,
            wit::Effect::Read => Effect::Read,
            wit::Effect::Write => Effect::Write,
        },
    };
    answer::json(StatusCode::OK, &descriptor)
}

async fn run(request: Request) -> Result<String, Failure> {
    let headers = request.headers().clone();
    let (it, input) = answer::read(&headers, &read(request).await?, SpinClock.now())?;
    let context = wit::Context {
        workspace: it.workspace,
        run: it.run,
        step: it.step,
        attempt: it.attempt,
        idempotency_key: it.idempotency_key,
        deadline_ms: it.deadline_ms,
        traceparent: it.traceparent,
        correlation_id: it.correlation_id,
    };
    wit::run(context, input.get().to_owned()).await.map_err(|it| Failure {
        kind: match it.kind {
            wit::FailureKind::Invalid => FailureKind::Invalid,
            wit::FailureKind::Forbidden => FailureKind::Forbidden,
            wit::FailureKind::Unavailable => FailureKind::Unavailable,
            wit::FailureKind::Timeout => FailureKind::Timeout,
            wit::FailureKind::Internal => FailureKind::Internal,
        },
        code: it.code,
        message: it.message,
        retryable: it.retryable,
        retry_after_ms: it.retry_after_ms,
    })
}

/// The whole body, unless it is too large to be held in memory.
async fn read(request: Request) -> Result<Bytes, Failure> {
    let mut pieces = request.into_body().stream();
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Failure::unavailable("call_broke_off", error.to_string()))?;
        if body.len() + piece.len() > MAX_CALL_BYTES {
            let message = format!("a step takes at most {} bytes", MAX_CALL_BYTES);
            return Err(Failure::invalid("call_too_large", message));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
