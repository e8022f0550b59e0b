//! Handing a body on to whoever reads it, for as long as somebody does.
//!
//! The other side of a stream of the component model cannot be listened to: that a reader is gone, or takes nothing, shows only
//! in what becomes of a write. So a body with nothing to say writes nothing from time to time.

use std::{
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{
    FutureExt, Stream,
    future::{BoxFuture, poll_fn},
};

use crate::Clock;

/// How often a body that has nothing to send looks whether its reader is still there. A reader that leaves is noticed within two
/// of these after something was sent, and within one otherwise; a provider's connection should be closed within 200 ms after
/// nobody wants its answer any more.
const LOOK_EVERY: Duration = Duration::from_millis(75);

/// How long a reader may take nothing at all: at least this, and at most twice as long. What a body needs to go on (events
/// that were read, connections of a provider) is held for its reader, so it must not be held for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is written at once, in bytes. A reader that takes this much in the time of [`PATIENCE`] is slow; one that takes
/// less is stalled.
const PIECE: usize = 64 << 10;

/// The end of a stream that is written to.
pub(crate) trait Outlet {
    /// Writes some of `piece` and returns the rest, or nothing where nobody reads any more. Where `piece` is empty it waits until
    /// the reader could take something.
    fn write(&mut self, piece: Vec<u8>) -> impl Future<Output = Option<Vec<u8>>>;
}

/// Why a body was not sent to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undelivered<E> {
    /// Its reader is gone.
    Gone,
    /// Its reader takes nothing.
    Stalled,
    /// The body itself broke off.
    Broken(E),
}

/// Hands `body` on to the reader of `outlet`. When this returns, the body is dropped, and with it whatever it reads from.
pub(crate) async fn deliver<E>(
    clock: &dyn Clock,
    outlet: &mut impl Outlet,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<(), Undelivered<E>> {
    let mut body = pin!(body);
    let (mut silence, mut standstill) = (Watch::new(clock, LOOK_EVERY), Watch::new(clock, PATIENCE));
    loop {
        let next = poll_fn(|context| match body.as_mut().poll_next(context) {
            Poll::Ready(next) => Poll::Ready(Some(next)),
            Poll::Pending => silence.poll(context).map(|()| None),
        });
        let mut bytes = match next.await {
            Some(None) => return Ok(()),
            Some(Some(Err(error))) => return Err(Undelivered::Broken(error)),
            Some(Some(Ok(bytes))) => {
                silence.moved();
                bytes
            }
            None => Bytes::new(),
        };
        loop {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            hand_on(outlet, piece.into(), &mut standstill).await?;
            if bytes.is_empty() {
                break;
            }
        }
    }
}

/// Writes the whole of `piece`.
async fn hand_on<E>(
    outlet: &mut impl Outlet,
    mut piece: Vec<u8>,
    standstill: &mut Watch<'_>,
) -> Result<(), Undelivered<E>> {
    loop {
        let mut write = pin!(outlet.write(piece));
        let written = poll_fn(|context| match write.as_mut().poll(context) {
            Poll::Ready(rest) => Poll::Ready(Ok(rest)),
            Poll::Pending => standstill.poll(context).map(Err),
        });
        piece = match written.await {
            Ok(Some(rest)) => rest,
            Ok(None) => return Err(Undelivered::Gone),
            Err(()) => return Err(Undelivered::Stalled),
        };
        standstill.moved();
        if piece.is_empty() {
            return Ok(());
        }
    }
}

/// Tells when nothing has moved for a while. What moves does not set a timer back, which would cost two passages to the host
/// each time: one timer runs its time, and counts if nothing moved meanwhile.
struct Watch<'a> {
    clock: &'a dyn Clock,
    period: Duration,
    /// Runs only after somebody has had to wait.
    timer: Option<BoxFuture<'a, ()>>,
    has_moved: bool,
}

impl<'a> Watch<'a> {
    fn new(clock: &'a dyn Clock, period: Duration) -> Self {
        Self { clock, period, timer: None, has_moved: false }
    }

    fn moved(&mut self) {
        self.has_moved = true;
    }

    /// Ready after a period in which nothing moved.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let timer = self.timer.get_or_insert_with(|| {
                self.has_moved = false;
                self.clock.sleep(self.period)
            });
            if timer.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
            if !self.has_moved {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    use futures::{StreamExt, channel::mpsc, future::LocalBoxFuture, stream};

    use super::*;
    use crate::fake::SetClock;

    /// A reader that a test can stop and send away. It takes at most ten bytes at a time.
    #[derive(Clone)]
    struct Reader {
        taken: Rc<RefCell<Vec<u8>>>,
        looks: Rc<Cell<usize>>,
        /// How many writes it takes before it stops to take any.
        room: Rc<Cell<usize>>,
        is_gone: Rc<Cell<bool>>,
    }

    impl Reader {
        fn new() -> Self {
            let room = Rc::new(Cell::new(usize::MAX));
            Self { taken: Rc::default(), looks: Rc::default(), room, is_gone: Rc::default() }
        }
    }

    impl Outlet for Reader {
        async fn write(&mut self, mut piece: Vec<u8>) -> Option<Vec<u8>> {
            poll_fn(|_| if self.room.get() == 0 && !self.is_gone.get() { Poll::Pending } else { Poll::Ready(()) })
                .await;
            if self.is_gone.get() {
                return None;
            }
            self.room.set(self.room.get() - 1);
            self.looks.set(self.looks.get() + usize::from(piece.is_empty()));
            let rest = piece.split_off(piece.len().min(10));
            self.taken.borrow_mut().extend(piece);
            Some(rest)
        }
    }

    type Piece = Result<Bytes, &'static str>;

    /// A delivery that is polled by hand.
    struct Delivery {
        clock: Rc<SetClock>,
        reader: Reader,
        outcome: LocalBoxFuture<'static, Result<(), Undelivered<&'static str>>>,
    }

    impl Delivery {
        fn of(body: impl Stream<Item = Piece> + 'static) -> Self {
            let (clock, reader) = (Rc::new(SetClock::default()), Reader::new());
            let (its_clock, mut outlet) = (Rc::clone(&clock), reader.clone());
            let outcome = async move { deliver(&*its_clock, &mut outlet, body).await }.boxed_local();
            Self { clock, reader, outcome }
        }

        fn poll(&mut self) -> Option<Result<(), Undelivered<&'static str>>> {
            (&mut self.outcome).now_or_never()
        }

        /// Lets `millis` pass, one after the other, and returns in which one it was over.
        fn over_within(&mut self, millis: u64) -> Option<(u64, Result<(), Undelivered<&'static str>>)> {
            (1..=millis).find_map(|passed| {
                self.clock.advance(Duration::from_millis(1));
                self.poll().map(|outcome| (passed, outcome))
            })
        }
    }

    #[test]
    fn a_body_arrives_whole_however_little_is_taken_at_a_time_and_starts_no_timer() {
        let whole: Vec<u8> = (0..200_000).map(|number| (number % 251) as u8).collect();
        let pieces =
            [whole[..7].to_vec(), whole[7..7].to_vec(), whole[7..].to_vec()].map(|piece| Piece::Ok(piece.into()));
        let mut delivery = Delivery::of(stream::iter(pieces));
        assert_eq!(delivery.poll(), Some(Ok(())));
        assert!(*delivery.reader.taken.borrow() == whole);
        assert_eq!(delivery.clock.sleepers(), 0);
    }

    #[test]
    fn a_reader_that_leaves_in_silence_is_noticed_within_100_ms_and_the_body_is_dropped() {
        let (sender, receiver) = mpsc::unbounded::<Piece>();
        let mut delivery = Delivery::of(receiver);
        assert_eq!(delivery.over_within(1_000), None);
        delivery.reader.is_gone.set(true);
        let (millis, outcome) = delivery.over_within(1_000).expect("it is noticed");
        assert_eq!(outcome, Err(Undelivered::Gone));
        assert!(millis <= 100, "{millis}");
        assert!(sender.is_closed());
    }

    #[test]
    fn a_reader_that_leaves_just_after_a_piece_is_noticed_within_200_ms() {
        for wait in [0, 1, 74, 75, 76, 149] {
            let (sender, receiver) = mpsc::unbounded::<Piece>();
            let mut delivery = Delivery::of(receiver);
            assert_eq!(delivery.poll(), None);
            assert_eq!(delivery.over_within(wait), None);
            sender.unbounded_send(Ok("piece".into())).expect("it is read");
            assert_eq!(delivery.poll(), None);
            delivery.reader.is_gone.set(true);
            let (millis, outcome) = delivery.over_within(1_000).expect("it is noticed");
            assert_eq!(outcome, Err(Undelivered::Gone));
            assert!(millis <= 150, "{millis} after {wait}");
        }
    }

    #[test]
    fn while_pieces_flow_nobody_looks_whether_the_reader_is_there() {
        let (sender, receiver) = mpsc::unbounded::<Piece>();
        let mut delivery = Delivery::of(receiver);
        for _ in 0..100 {
            sender.unbounded_send(Ok("piece".into())).expect("it is read");
            assert_eq!(delivery.over_within(20), None);
        }
        assert_eq!(delivery.reader.looks.get(), 0);
        assert_eq!(delivery.over_within(1_000), None);
        assert!((10..=14).contains(&delivery.reader.looks.get()), "{}", delivery.reader.looks.get());
    }

    #[test]
    fn a_reader_that_takes_nothing_is_given_up_after_30_s() {
        let mut delivery = Delivery::of(stream::iter([Piece::Ok("piece".into())]).chain(stream::pending()));
        delivery.reader.room.set(0);
        assert_eq!(delivery.poll(), None);
        assert_eq!(delivery.over_within(60_000), Some((30_000, Err(Undelivered::Stalled))));
    }

    #[test]
    fn a_reader_that_has_stopped_is_given_up_even_where_there_is_nothing_to_send() {
        let mut delivery = Delivery::of(stream::pending());
        delivery.reader.room.set(0);
        let (millis, outcome) = delivery.over_within(60_000).expect("it is given up");
        assert_eq!((outcome, millis / 1_000), (Err(Undelivered::Stalled), 30));
    }

    #[test]
    fn a_reader_that_takes_a_little_now_and_then_is_not_given_up() {
        let mut delivery = Delivery::of(stream::iter([Piece::Ok(vec![7; 100].into())]));
        delivery.reader.room.set(0);
        for taken in 1..=10 {
            assert_eq!(delivery.over_within(29_000), None);
            delivery.reader.room.set(1);
            assert_eq!(delivery.poll(), (taken == 10).then_some(Ok(())));
            assert_eq!(delivery.reader.taken.borrow().len(), 10 * taken);
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_not_taken_for_complete() {
        let mut delivery = Delivery::of(stream::iter([Piece::Ok("piece".into()), Err("cut")]));
        assert_eq!(delivery.poll(), Some(Err(Undelivered::Broken("cut"))));
        assert_eq!(*delivery.reader.taken.borrow(), b"piece");
    }
}
