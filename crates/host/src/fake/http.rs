//! HTTP that answers from a script.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;

use crate::{ByteStream, Http, HttpError};

type Answer = Result<http::Response<ByteStream>, HttpError>;
type Script = Box<dyn FnMut(&http::Request<Bytes>) -> Answer + Send>;

/// An HTTP client that asks a closure and remembers what it was asked.
#[derive(Default)]
pub struct ScriptedHttp {
    script: Mutex<Option<Script>>,
    requests: Mutex<Vec<http::Request<Bytes>>>,
}

impl ScriptedHttp {
    /// From now on `script` answers. Without one, nothing can be connected to.
    pub fn answer(&self, script: impl FnMut(&http::Request<Bytes>) -> Answer + Send + 'static) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(script));
    }

    /// The requests since the last call, oldest first.
    pub fn take_requests(&self) -> Vec<http::Request<Bytes>> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Http for ScriptedHttp {
    async fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Answer {
        let answer = match self.script.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(script) => script(&request),
            None => Err(HttpError::Connection { sent: false, reason: "this test has no HTTP".to_owned() }),
        };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        answer
    }
}

/// A response with a JSON body in one piece.
pub fn json(status: u16, body: &str) -> Answer {
    let answer = chunks(status, [Ok(Bytes::from(body.to_owned()))])?;
    let (mut head, body) = answer.into_parts();
    head.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(http::Response::from_parts(head, body))
}

/// A response whose body arrives in `pieces`, the last of which may be the error that cuts it.
///
/// # Panics
/// If `status` is not an HTTP status.
pub fn chunks(status: u16, pieces: impl IntoIterator<Item = Result<Bytes, HttpError>>) -> Answer {
    let pieces: Vec<_> = pieces.into_iter().collect();
    let body: ByteStream = Box::pin(stream::iter(pieces));
    Ok(http::Response::builder().status(status).body(body).expect("a test gives a valid status"))
}
