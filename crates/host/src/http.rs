//! Requests to other components and to the outside.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{Stream, TryStreamExt};
use http::{HeaderMap, header};

/// A body that arrives piece by piece.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, HttpError>> + Send>>;

/// How long a body is, in bytes, where its head says so.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// `spin.toml` does not let this component talk to that host.
    #[error("requests to {authority} are not allowed")]
    Denied {
        /// The host and port that were asked for.
        authority: String,
    },
    /// No connection, or it broke; `sent` says whether the request may have reached the other side.
    #[error("the connection failed: {reason}")]
    Connection {
        /// True where the request may have been carried out.
        sent: bool,
        /// What the host said, without secrets.
        reason: String,
    },
    /// The other side took longer than it was given.
    #[error("no answer within {limit_ms} ms")]
    Timeout {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The request itself is not one that can be sent.
    #[error("not a request that can be sent: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a body could not be read whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It broke off.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is more of it than was asked for.
    #[error("the body is longer than {max_bytes} bytes")]
    TooLong {
        /// The most that was asked for.
        max_bytes: usize,
    },
}

/// The whole of `body`, of which no more than `max_bytes` are held in memory.
pub async fn read_whole(mut body: ByteStream, max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        if whole.len() + piece.len() > max_bytes {
            return Err(BodyError::TooLong { max_bytes });
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// A client for HTTP.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends `request` and waits at most `limit` for the head of the response; its body then streams.
    ///
    /// Nothing is retried and no redirect is followed. `Host` and all `spin-*` headers are left out
    /// (`docs/spin.md#headers-of-spin`).
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limit: Duration,
    ) -> Result<http::Response<ByteStream>, HttpError>;
}
