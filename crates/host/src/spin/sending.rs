//! The body of a response that goes out.

use bytes::Bytes;
use futures::Stream;
use spin_sdk::{
    wasip3::{
        http::types::{ErrorCode, Trailers},
        wit_future, wit_stream,
    },
    wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter},
};

use super::system::SpinClock;
use crate::{
    delivery::{Outlet, Undelivered, deliver},
    woken::when_woken,
};

type Ending = Result<Option<Trailers>, ErrorCode>;

/// The inner end of a body: what is written here is read by the client, or by the component that called.
///
/// Unlike the SDK's writer this one notices within 200 ms that its reader is gone, also while it has nothing to write, and gives
/// a reader up that takes nothing for 30 s. It drops the body then.
pub struct Sending {
    contents: StreamWriter<u8>,
    ending: FutureWriter<Ending>,
}

impl Sending {
    /// A body that is still to be written, and the two parts of its outer end that a response is made of.
    pub fn new() -> (Self, StreamReader<u8>, FutureReader<Ending>) {
        let (contents, contents_reader) = wit_stream::new();
        // A body that is left half-way must not look complete.
        let (ending, ending_reader) = wit_future::new(|| Err(broken("the body was not sent to its end")));
        (Self { contents, ending }, contents_reader, ending_reader)
    }

    /// Writes `body` to its end, or for as long as somebody reads it.
    pub async fn send<E: ToString>(mut self, body: impl Stream<Item = Result<Bytes, E>>) {
        let ending = match deliver(&SpinClock, &mut self.contents, body).await {
            Ok(()) => Ok(None),
            Err(Undelivered::Broken(error)) => Err(broken(error)),
            // A reader that is gone, or as good as gone, is its own business.
            Err(Undelivered::Gone | Undelivered::Stalled) => return,
        };
        drop(self.contents);
        // Whoever read all there is may be gone by now.
        _ = self.ending.write(ending).await;
    }
}

impl Outlet for StreamWriter<u8> {
    async fn write(&mut self, piece: Vec<u8>) -> Option<Vec<u8>> {
        let (status, rest) = when_woken(StreamWriter::write(self, piece)).await;
        (status != StreamResult::Dropped).then(|| rest.into_vec())
    }
}

fn broken(reason: impl ToString) -> ErrorCode {
    ErrorCode::InternalError(Some(reason.to_string()))
}
