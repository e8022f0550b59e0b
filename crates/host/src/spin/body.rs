//! The body of a request or response that comes in.

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use send_wrapper::SendWrapper;
use spin_sdk::{
    wasip3::{
        http::types::{ErrorCode, Trailers},
        http_compat::IncomingMessage,
        wit_future,
    },
    wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult},
};

use crate::woken::when_woken;

/// The most that is read at once, in bytes.
const PIECE: u64 = 16 << 10;

/// The body of `message`, in pieces; `length` is what its head says, in bytes. Trailers are left out: nobody here reads them.
///
/// A body of known length is over with its last byte. The SDK's goes on to the end of the stream and to the trailers after it,
/// and each is a passage to the host and back.
pub fn body(
    message: impl IncomingMessage + 'static,
    length: Option<u64>,
) -> impl Stream<Item = Result<Bytes, ErrorCode>> + Send + 'static {
    let opening = stream::once(async move { Reading::begin(message, length) });
    // Whoever reads it may ask again after its end.
    SendWrapper::new(opening.flat_map(|reading| stream::try_unfold(reading, Reading::next)).fuse().boxed_local())
}

struct Reading {
    contents: StreamReader<u8>,
    trailers: FutureReader<Result<Option<Trailers>, ErrorCode>>,
    /// How many bytes there are to come, if that is known.
    left: Option<u64>,
    /// Tells the other side, when it is dropped, that nothing went wrong here.
    _received: FutureWriter<Result<(), ErrorCode>>,
}

impl Reading {
    fn begin(message: impl IncomingMessage, length: Option<u64>) -> Self {
        let (received, reader) = wit_future::new(|| Ok(()));
        let (contents, trailers) = message.consume_body(reader);
        Self { contents, trailers, left: length, _received: received }
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ErrorCode> {
        let room = self.left.unwrap_or(PIECE).min(PIECE);
        if room == 0 {
            return Ok(None);
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (status, piece) = when_woken(self.contents.read(Vec::with_capacity(room))).await;
        if status == StreamResult::Dropped {
            // What broke a body off is told here.
            return when_woken(self.trailers.into_future()).await.map(|_| None);
        }
        self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
        Ok(Some((Bytes::from(piece), self)))
    }
}
