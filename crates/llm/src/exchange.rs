//! What every exchange over HTTP has in common: bounded bodies, and errors of the network in this crate's words.

use host::{BodyError, ByteStream, HttpError, read_whole};
use serde::de::DeserializeOwned;

use crate::error::ModelError;

/// The longest answer in one piece that is read, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 16 << 20;

/// The whole of `body`, read as JSON.
pub(crate) async fn read_json<T: DeserializeOwned>(body: ByteStream) -> Result<T, ModelError> {
    let unavailable = |reason: String| ModelError::Unavailable { reason: reason.into(), retry_after_ms: None };
    let bytes = read_whole(body, MAX_BODY_BYTES).await.map_err(|error| match error {
        BodyError::Http(error) => body_error(error),
        BodyError::TooLong { .. } => unavailable(error.to_string()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| unavailable(format!("the answer is not what was expected: {error}")))
}

/// Why there is no head of a response.
pub(crate) fn send_error(error: HttpError) -> ModelError {
    match error {
        HttpError::Timeout { limit_ms } => ModelError::Timeout { limit_ms },
        HttpError::Connection { .. } => {
            ModelError::Unavailable { reason: error.to_string().into(), retry_after_ms: None }
        }
        HttpError::Denied { .. } | HttpError::Invalid { .. } => {
            ModelError::Misconfigured { reason: error.to_string().into() }
        }
    }
}

fn body_error(error: HttpError) -> ModelError {
    match error {
        HttpError::Timeout { limit_ms } => ModelError::Timeout { limit_ms },
        error => ModelError::StreamBroken { reason: error.to_string().into() },
    }
}
