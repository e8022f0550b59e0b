//! A streamed answer as bytes: server-sent events of chunks, ended by `[DONE]`.
//!
//! Format: WHATWG HTML, section 9.2.6, and <https://platform.openai.com/docs/api-reference/chat-streaming>.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use host::{ByteStream, HttpError};
use sse_stream::{Sse, SseByteStream};

use crate::{
    chunk_stream::ChunkStream,
    error::ModelError,
    exchange::{read_body, read_completion, read_value},
    wire::{Chunk, ErrorDetail},
};

/// The longest event that is read, in bytes. An event is a chunk of a few hundred bytes; images come as links.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// What some servers begin a text with, to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What OpenAI's streams end with.
const DONE: &str = "[DONE]";

/// Chunks that are ready at the same time go out as one piece of the body, up to this many: each piece costs a call
/// from the guest to the host and back.
const CHUNKS_PER_PIECE: usize = 64;

/// Reads a streamed answer.
///
/// The stream ends without an error only if the answer came to its end: a finish reason, and then `[DONE]` or, for the servers
/// that do not send it, an orderly end of the body. Some servers say `[DONE]` after an answer that they have given up
/// (envoyproxy/ai-gateway#2697), so that it does not count by itself. `read_error` reads an error that the other side sends in
/// place of a chunk. An answer in one piece becomes a stream of one.
pub(crate) fn read_chunks(body: ByteStream, read_error: fn(&ErrorDetail) -> ModelError) -> ChunkStream {
    let reading = async move {
        match opened(body).await {
            Opened::Events(body) => {
                let reader = Reader { events: Box::pin(bounded_events(body)), read_error, finished: false };
                ChunkStream::new(stream::unfold(reader, async |mut reader| Some((reader.next().await?, reader))))
            }
            Opened::Json(body) => one_piece(body, read_error).await,
        }
    };
    ChunkStream::new(stream::once(reading).flatten())
}

/// A body, and what it turned out to be. Its content type may say anything.
enum Opened {
    Events(ByteStream),
    Json(ByteStream),
}

/// Reads `body` up to the first byte that says something.
async fn opened(body: ByteStream) -> Opened {
    let mut body = body.fuse();
    let mut read = Vec::new();
    let mut blanks = 0;
    let is_json = loop {
        match body.next().await {
            Some(Ok(piece)) => {
                let first = piece.iter().find(|byte| !byte.is_ascii_whitespace() && !BYTE_ORDER_MARK.contains(byte));
                let is_json = first.map(|byte| matches!(byte, b'{' | b'['));
                blanks += piece.len();
                read.push(Ok(piece));
                match is_json {
                    Some(is_json) => break is_json,
                    None if blanks > MAX_EVENT_BYTES => break false,
                    None => {}
                }
            }
            Some(Err(error)) => {
                read.push(Err(error));
                break false;
            }
            None => break false,
        }
    };
    let body: ByteStream = Box::pin(stream::iter(read).chain(body));
    if is_json { Opened::Json(body) } else { Opened::Events(body) }
}

/// The pieces of an answer that came in one, although a stream was asked for.
async fn one_piece(body: ByteStream, read_error: fn(&ErrorDetail) -> ModelError) -> ChunkStream {
    let chunks = match read_body(body).await.and_then(|body| read_completion(&body, read_error)) {
        Ok(completion) => completion.into_chunks().into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    ChunkStream::new(stream::iter(chunks))
}

struct Reader<S> {
    events: S,
    read_error: fn(&ErrorDetail) -> ModelError,
    /// A finish reason was seen.
    finished: bool,
}

impl<S: Stream<Item = Result<Sse, ModelError>> + Unpin> Reader<S> {
    async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        loop {
            let event = match self.events.next().await {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Some(Err(error)),
                None => return self.end("the body ended before the answer"),
            };
            match event.data.as_deref().map(str::trim) {
                None | Some("") => {}
                Some(DONE) => return self.end("the answer has no finish reason"),
                Some(data) => match self.read(data, event.event.as_deref() == Some("error")) {
                    Ok(Some(chunk)) => return Some(Ok(chunk)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }

    /// The end of the stream, which is an error for `reason` where the answer is not over.
    fn end(&self, reason: &str) -> Option<Result<Chunk, ModelError>> {
        (!self.finished).then(|| Err(ModelError::StreamBroken { reason: reason.into() }))
    }

    /// The chunk that `data` is. None where it is not one and nothing is lost with it.
    fn read(&mut self, data: &str, is_error: bool) -> Result<Option<Chunk>, ModelError> {
        let (mut chunk, mut value) = (serde_json::from_str::<Chunk>(data).ok(), None);
        // Every member of a chunk is optional, so that an error would pass for an empty one.
        let is_plain = chunk.as_ref().is_some_and(|chunk| {
            (!chunk.choices.is_empty() || chunk.usage.is_some()) && !chunk.other.contains_key("error")
        });
        if is_error || !is_plain {
            value = read_value(data.as_bytes());
            let found = value.as_ref().and_then(ErrorDetail::find);
            if let Some(error) = found.or_else(|| is_error.then(ErrorDetail::default)) {
                return Err((self.read_error)(&error));
            }
        }
        if chunk.is_none() {
            chunk = value.and_then(|value| serde_json::from_value(value).ok());
        }
        match chunk {
            Some(chunk) => {
                self.finished |= chunk.finish_reason().is_some();
                // What came in the usual form on one line is handed on as it came, by whoever changes nothing of it.
                let is_as_it_came = is_plain && !data.contains(['\n', '\r']);
                Ok(Some(if is_as_it_came { chunk.read_from(data) } else { chunk }))
            }
            // After the finish reason only the usage comes, and a strange one fails no answer that was whole.
            None if self.finished => Ok(None),
            None => Err(ModelError::StreamBroken { reason: "an event is not a chunk".into() }),
        }
    }
}

/// The events in `body`. An event longer than [`MAX_EVENT_BYTES`] ends the stream: the parser itself would
/// keep a line that never ends.
fn bounded_events(body: ByteStream) -> impl Stream<Item = Result<Sse, ModelError>> + Send {
    let unfinished = Arc::new(AtomicUsize::new(0));
    let counter = unfinished.clone();
    let pieces = body.map(move |piece| {
        let piece = piece.map_err(BodyError::Http)?;
        let length = counter.fetch_add(piece.len(), Ordering::Relaxed).saturating_add(piece.len());
        if length > MAX_EVENT_BYTES { Err(BodyError::TooLong) } else { Ok::<Bytes, BodyError>(piece) }
    });
    SseByteStream::new(Box::pin(pieces)).map(move |event| {
        unfinished.store(0, Ordering::Relaxed);
        event.map_err(broken)
    })
}

#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Http(HttpError),
    #[error("an event is longer than {MAX_EVENT_BYTES} bytes")]
    TooLong,
}

fn broken(error: sse_stream::Error) -> ModelError {
    if let sse_stream::Error::Body(body) = &error
        && let Some(BodyError::Http(HttpError::Timeout { limit_ms })) = body.downcast_ref()
    {
        return ModelError::Timeout { limit_ms: *limit_ms };
    }
    ModelError::StreamBroken { reason: error.to_string().into() }
}

/// Writes a streamed answer: each chunk an event, in the very words of the provider where nothing of it was changed, then `[DONE]`; or, where the answer broke off, an error in place of it.
///
/// The stream of bytes ends in order in both cases. A reader that sees neither `[DONE]` nor an error knows that the
/// connection to the gateway broke.
pub fn to_sse(chunks: ChunkStream) -> impl Stream<Item = Bytes> + Send {
    let lines = chunks.map(Some).chain(stream::iter([None])).scan(false, |failed, item| {
        let line = match item {
            _ if *failed => None,
            Some(Ok(chunk)) => Some(data_line(&chunk.to_json())),
            Some(Err(error)) => {
                *failed = true;
                let json = serde_json::to_string(&error.to_wire());
                Some(data_line(&json.expect("errors have text keys only, so they can be written")))
            }
            None => Some(data_line(DONE)),
        };
        futures::future::ready(line)
    });
    lines.ready_chunks(CHUNKS_PER_PIECE).map(|lines| Bytes::from(lines.concat()))
}

fn data_line(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tolerance;
