//! Outbound HTTP through Spin, to other components and to the outside.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, header};
use http_body_util::Full;
use send_wrapper::SendWrapper;
use spin_sdk::{
    http::Response,
    wasip3::{
        http::types::{ErrorCode, RequestOptions},
        http_compat::RequestOptionsExtension,
    },
};

use super::{body::body, tasks::will_spawn};
use crate::{ByteStream, Clock, Http, HttpError, content_length, within, woken::when_woken};

/// Spin's HTTP client, with the connections that it keeps for the whole application.
pub(super) struct SpinHttp {
    clock: Arc<dyn Clock>,
}

impl SpinHttp {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Http for SpinHttp {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limit: Duration,
    ) -> Result<http::Response<ByteStream>, HttpError> {
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        if authority.is_empty() {
            return Err(HttpError::Invalid { reason: "the URL names no host".to_owned() });
        }
        // The SDK writes the body in a task of its own.
        will_spawn();
        let sending = SendWrapper::new(when_woken(spin_sdk::http::send(prepared(request, limit))));
        // The host's own limit for the first byte does not apply between components (`docs/spin.md#service-chaining`),
        // so the clock runs here.
        match within(self.clock.as_ref(), limit, sending).await {
            Ok(Ok(response)) => streaming(response, limit),
            Ok(Err(code)) => Err(to_error(&code, &authority, limit)),
            Err(_) => Err(HttpError::Timeout { limit_ms: millis(limit) }),
        }
    }
}

/// The request without what must not be passed on, and with what its length is.
fn prepared(request: http::Request<Bytes>, limit: Duration) -> http::Request<Full<Bytes>> {
    let (mut head, body) = request.into_parts();
    // A Host that differs from the URL is refused by the SDK, and spin-* headers of a client would be believed by the
    // component on the other side, which sees them before Spin's own (`docs/spin.md#headers-of-spin` and
    // `docs/spin.md#outbound-http`).
    let stripped: Vec<_> = head.headers.keys().filter(|name| name.as_str().starts_with("spin-")).cloned().collect();
    for name in stripped {
        head.headers.remove(name);
    }
    head.headers.remove(header::HOST);
    if !body.is_empty() || matches!(head.method, http::Method::POST | http::Method::PUT | http::Method::PATCH) {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let options = RequestOptions::new();
    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    // A host that does not support a limit ignores it; the clock above is what counts.
    _ = options.set_connect_timeout(Some(nanos));
    _ = options.set_first_byte_timeout(Some(nanos));
    head.extensions.insert(RequestOptionsExtension(options));
    http::Request::from_parts(head, Full::new(body))
}

fn streaming(response: Response, limit: Duration) -> Result<http::Response<ByteStream>, HttpError> {
    let (head, mut unread) = response.into_parts();
    let Some(message) = unread.take_unstarted() else {
        return Err(HttpError::Connection { sent: true, reason: "somebody else reads the answer".to_owned() });
    };
    let pieces = body(message, content_length(&head.headers));
    let pieces = pieces.map(move |piece| piece.map_err(|code| to_error(&code, "", limit)));
    Ok(http::Response::from_parts(head, Box::pin(pieces)))
}

fn to_error(code: &ErrorCode, authority: &str, limit: Duration) -> HttpError {
    let reason = || code.to_string();
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => {
            HttpError::Denied { authority: authority.to_owned() }
        }
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => HttpError::Connection { sent: false, reason: reason() },
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => HttpError::Timeout { limit_ms: millis(limit) },
        ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_) => HttpError::Invalid { reason: reason() },
        _ => HttpError::Connection { sent: true, reason: reason() },
    }
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
