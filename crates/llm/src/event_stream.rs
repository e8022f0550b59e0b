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
use sse_stream::SseByteStream;

use crate::{
    chunk_stream::ChunkStream,
    error::ModelError,
    wire::{Chunk, ErrorBody, ErrorDetail},
};

/// The longest event that is read, in bytes. An event is a chunk of a few hundred bytes; images come as links.
const MAX_EVENT_BYTES: usize = 1 << 20;

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
/// place of a chunk.
pub(crate) fn read_chunks(body: ByteStream, read_error: fn(&ErrorDetail) -> ModelError) -> ChunkStream {
    let reader = Reader { events: Box::pin(bounded_events(body)), read_error, finished: false, ended: false };
    ChunkStream::new(stream::unfold(reader, async |mut reader| Some((reader.next().await?, reader))))
}

struct Reader<S> {
    events: S,
    read_error: fn(&ErrorDetail) -> ModelError,
    /// A finish reason was seen.
    finished: bool,
    /// There is nothing more to read.
    ended: bool,
}

impl<S: Stream<Item = Result<String, ModelError>> + Unpin> Reader<S> {
    async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        if self.ended {
            return None;
        }
        match self.events.next().await {
            Some(Ok(data)) if data == DONE => self.end("the answer has no finish reason"),
            Some(Ok(data)) => {
                let chunk = self.read(&data);
                self.ended = chunk.is_err();
                Some(chunk)
            }
            Some(Err(error)) => {
                self.ended = true;
                Some(Err(error))
            }
            None => self.end("the body ended before the answer"),
        }
    }

    /// The end of the stream, which is an error for `reason` where the answer is not over.
    fn end(&mut self, reason: &str) -> Option<Result<Chunk, ModelError>> {
        self.ended = true;
        (!self.finished).then(|| Err(ModelError::StreamBroken { reason: reason.into() }))
    }

    fn read(&mut self, data: &str) -> Result<Chunk, ModelError> {
        // An error is looked for first: every member of a chunk is optional, so that it would pass for an empty one.
        // Nearly all events are chunks, and reading each as an error first would cost as much again.
        if data.contains("\"error\"")
            && let Ok(error) = serde_json::from_str::<ErrorBody>(data)
        {
            return Err((self.read_error)(&error.error));
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|error| ModelError::StreamBroken { reason: format!("an event is not a chunk: {error}").into() })?;
        self.finished |= chunk.is_last();
        Ok(chunk)
    }
}

/// The data of the events in `body`. An event longer than [`MAX_EVENT_BYTES`] ends the stream: the parser itself would
/// keep a line that never ends.
fn bounded_events(body: ByteStream) -> impl Stream<Item = Result<String, ModelError>> + Send {
    let unfinished = Arc::new(AtomicUsize::new(0));
    let counter = unfinished.clone();
    let pieces = body.map(move |piece| {
        let piece = piece.map_err(BodyError::Http)?;
        let length = counter.fetch_add(piece.len(), Ordering::Relaxed).saturating_add(piece.len());
        if length > MAX_EVENT_BYTES { Err(BodyError::TooLong) } else { Ok::<Bytes, BodyError>(piece) }
    });
    SseByteStream::new(Box::pin(pieces)).filter_map(move |event| {
        unfinished.store(0, Ordering::Relaxed);
        futures::future::ready(match event {
            Ok(event) => event.data.map(Ok),
            Err(error) => Some(Err(broken(error))),
        })
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

/// Writes a streamed answer: each chunk an event, then `[DONE]`; or, where the answer broke off, an error in place of it.
///
/// The stream of bytes ends in order in both cases. A reader that sees neither `[DONE]` nor an error knows that the
/// connection to the gateway broke.
pub fn to_sse(chunks: ChunkStream) -> impl Stream<Item = Bytes> + Send {
    let lines = chunks.map(Some).chain(stream::iter([None])).scan(false, |failed, item| {
        let line = match item {
            _ if *failed => None,
            Some(Ok(chunk)) => Some(data_line(&chunk)),
            Some(Err(error)) => {
                *failed = true;
                Some(data_line(&error.to_wire()))
            }
            None => Some(format!("data: {DONE}\n\n")),
        };
        futures::future::ready(line)
    });
    lines.ready_chunks(CHUNKS_PER_PIECE).map(|lines| Bytes::from(lines.concat()))
}

fn data_line(event: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(event).expect("chunks and errors have text keys only, so they can be written");
    format!("data: {json}\n\n")
}

#[cfg(test)]
mod tests;
