//! No request body is larger, or takes longer, than the limit; it is counted while it is read, whatever its header says.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
};
use futures::{FutureExt, future::BoxFuture};
use host::{Clock, content_length};
use http_body::{Frame, SizeHint};

/// The largest request body where a component says nothing else, in bytes.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take in all, from when somebody has to wait for it. At the default limit that is 35 kB a second, and what
/// people write is far smaller; who sends a byte a minute holds memory and connections for nothing.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Up to this size, in bytes, a body that says that it is too large is read all the same. A client that is sending does not
/// listen: were the connection closed under it, it would see a broken pipe in place of the answer. nginx lingers for the same
/// reason, and for as long as this.
const LINGER_LIMIT: u64 = 32 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is larger than it may be.
    #[error("the body is larger than this takes")]
    TooLarge,
    /// It took longer than it may.
    #[error("the body did not arrive in time")]
    TimedOut,
}

/// `request`, of whose body no more than `limit` bytes can be read, and not for ever. Nothing is read here: first the route's
/// guard says whether anything of this caller's is.
pub(crate) fn limit(clock: &Arc<dyn Clock>, request: Request, limit: usize) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let announced = content_length(request.headers()).unwrap_or(0);
    let (state, time) = match announced {
        length if length <= limit as u64 => (State::Reading { left: limit }, BODY_TIME),
        length if length <= LINGER_LIMIT => (State::Lingering, LINGER_TIME),
        _ => (State::Refused, LINGER_TIME),
    };
    let clock = clock.clone();
    let timer = async move { clock.sleep(time).await }.boxed();
    request.map(|body| Body::new(Bounded { body, timer, state }))
}

/// A body that ends with an error when it gets too large or its time is up. The timer starts with the first piece that is waited
/// for: a body that is there already costs none.
struct Bounded {
    body: Body,
    timer: BoxFuture<'static, ()>,
    state: State,
}

enum State {
    /// So many bytes may still come.
    Reading { left: usize },
    /// It said that it is too large; it is read, and nothing of it kept.
    Lingering,
    /// It said that it is far too large, or has turned out to be too large.
    Refused,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let refused = |error: BodyError| Poll::Ready(Some(Err(axum::Error::new(error))));
        while let State::Reading { left } = self.state {
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(ended) => return Poll::Ready(ended),
                Poll::Pending if self.timer.poll_unpin(context).is_ready() => return refused(BodyError::TimedOut),
                Poll::Pending => return Poll::Pending,
            };
            let length = frame.data_ref().map_or(0, Bytes::len);
            if length <= left {
                self.state = State::Reading { left: left - length };
                return Poll::Ready(Some(Ok(frame)));
            }
            self.state = State::Refused;
        }
        while matches!(self.state, State::Lingering) {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Pending if self.timer.poll_unpin(context).is_pending() => return Poll::Pending,
                // It has ended, or whoever sends it has to do without the answer.
                _ => self.state = State::Refused,
            }
        }
        refused(BodyError::TooLarge)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Reading { .. }) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
