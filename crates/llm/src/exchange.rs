//! What every exchange over HTTP has in common: bounded bodies, and errors of the network in this crate's words.

use bytes::Bytes;
use host::{BodyError, ByteStream, HttpError, read_whole};
use serde_json::Value;

use crate::{
    error::ModelError,
    wire::{Completion, ErrorDetail},
};

/// The longest answer in one piece that is read, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 16 << 20;

/// The whole of `body`.
pub(crate) async fn read_body(body: ByteStream) -> Result<Bytes, ModelError> {
    read_whole(body, MAX_BODY_BYTES).await.map_err(|error| match error {
        BodyError::Http(error) => body_error(error),
        BodyError::TooLong { .. } => ModelError::Unavailable { reason: error.to_string().into(), retry_after_ms: None },
    })
}

/// The answer in one piece that `body` is, or the error, which `read_error` reads.
pub(crate) fn read_completion(
    body: &[u8],
    read_error: fn(&ErrorDetail) -> ModelError,
) -> Result<Completion, ModelError> {
    let value = read_value(body).ok_or_else(unexpected)?;
    if let Some(error) = ErrorDetail::find(&value) {
        return Err(read_error(&error));
    }
    match serde_json::from_value::<Completion>(value) {
        Ok(completion) if !completion.choices.is_empty() => Ok(completion),
        _ => Err(unexpected()),
    }
}

/// The JSON in `text`, read tolerantly: with a byte order mark, a member named twice (the last one counts), or half a surrogate
/// pair, in whose place U+FFFD stands. Emojis that a server cuts in two come as such halves.
pub(crate) fn read_value(text: &[u8]) -> Option<Value> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    serde_json::from_slice(text)
        .ok()
        .or_else(|| serde_json::from_str(&without_half_pairs(str::from_utf8(text).ok()?)).ok())
}

/// `json` with U+FFFD in place of every escaped half of a surrogate pair (RFC 8259, section 8.2).
fn without_half_pairs(json: &str) -> String {
    let escaped = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(position) = rest.find('\\') {
        mended.push_str(&rest[..position]);
        rest = &rest[position..];
        let length = match escaped(rest) {
            Some(0xd800..=0xdbff)
                if rest.get(6..).and_then(escaped).is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) =>
            {
                12
            }
            Some(0xd800..=0xdfff) => {
                mended.push('\u{fffd}');
                rest = &rest[6..];
                continue;
            }
            Some(_) => 6,
            // An escape of one character, or a backslash at the end.
            None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    mended + rest
}

/// Of what was read instead nothing is told: serde's messages repeat it, and the log holds nothing of that.
fn unexpected() -> ModelError {
    ModelError::Unavailable { reason: "the answer is not what was expected".into(), retry_after_ms: None }
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
