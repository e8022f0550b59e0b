//! The numbers of an answer's events: which are stored, which are shown, and which may be shown.

use std::collections::VecDeque;

use crate::event::{Event, delta};

/// How many numbers are reserved at a time: more than an answer shows while its lease is not renewed, so that reserving costs no
/// write of its own.
pub(crate) const BLOCK: u64 = 4096;

/// The most that may be shown and not stored, in bytes of rendered events. A model that is faster than the database waits.
const MAX_PENDING_BYTES: usize = 1 << 20;

/// The events of an answer after `message.started`, which has the number 1 and is told from the rows of question and answer.
#[derive(Debug)]
pub(crate) struct Log {
    stored_seq: u64,
    reserved_seq: u64,
    /// Shown and not stored yet.
    pending: VecDeque<Event>,
    pending_bytes: usize,
}

impl Log {
    /// The log of an answer that was just begun, with its first block of numbers.
    pub(crate) fn new() -> Self {
        Self { stored_seq: 1, reserved_seq: BLOCK, pending: VecDeque::new(), pending_bytes: 0 }
    }

    /// The number of the next event.
    pub(crate) fn next_seq(&self) -> u64 {
        self.stored_seq + self.pending.len() as u64 + 1
    }

    /// True where another event may be shown.
    pub(crate) fn has_room(&self) -> bool {
        self.next_seq() <= self.reserved_seq && self.pending_bytes < MAX_PENDING_BYTES
    }

    /// Numbers a delta that is shown now.
    pub(crate) fn show(&mut self, text: &str) -> Event {
        let event = delta(self.next_seq(), text);
        self.pending_bytes += event.data.len();
        self.pending.push_back(event.clone());
        event
    }

    /// True where something is shown that is not stored.
    pub(crate) fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The oldest of the events that are shown and not stored, at most `count`.
    pub(crate) fn group(&self, count: usize) -> Vec<Event> {
        self.pending.iter().take(count).cloned().collect()
    }

    /// The oldest `count` of the events that were not stored are stored now.
    pub(crate) fn stored(&mut self, count: usize) {
        for event in self.pending.drain(..count.min(self.pending.len())) {
            self.stored_seq = event.seq;
            self.pending_bytes -= event.data.len();
        }
    }

    /// The number up to which a new block would reach.
    pub(crate) fn next_block(&self) -> u64 {
        self.next_seq() + BLOCK
    }

    /// True where less than half a block of numbers is left.
    pub(crate) fn runs_short(&self) -> bool {
        self.reserved_seq.saturating_sub(self.next_seq()) < BLOCK / 2
    }

    /// Numbers up to `seq` are reserved now.
    pub(crate) fn reserved(&mut self, seq: u64) {
        self.reserved_seq = self.reserved_seq.max(seq);
    }

    /// The events that have to be stored with the end of the answer, and the number of its last event.
    ///
    /// Where none is stored and one delta holds the whole answer, or where nobody was shown any, as `is_shown` tells, the text of
    /// the answer says the same as its one delta, and no event is stored.
    pub(crate) fn tail(&self, is_shown: bool) -> (Vec<Event>, u64) {
        if self.stored_seq == 1 && (self.pending.len() <= 1 || !is_shown) {
            return (Vec::new(), 2 + u64::from(self.is_behind()));
        }
        (self.group(usize::MAX), self.next_seq())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_when_they_are_shown_and_stored_in_their_order() {
        let mut log = Log::new();
        assert!(!log.is_behind());
        let shown: Vec<Event> = ["a", "b", "c"].iter().map(|text| log.show(text)).collect();
        assert_eq!(shown.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3, 4]);
        let group = log.group(64);
        assert_eq!(group, shown);
        // Another one is shown while the group is being stored.
        let late = log.show("d");
        log.stored(group.len());
        assert_eq!((log.group(64), log.next_seq()), (vec![late], 6));
    }

    #[test]
    fn nothing_is_shown_without_a_number_or_too_far_ahead_of_the_database() {
        let mut log = Log::new();
        while log.has_room() {
            log.show("");
        }
        assert_eq!(log.next_seq(), BLOCK + 1);
        assert!(log.runs_short());
        log.reserved(log.next_block());
        assert!(log.has_room() && !log.runs_short());

        let mut log = Log::new();
        log.show(&"x".repeat(MAX_PENDING_BYTES));
        assert!(!log.has_room());
        log.stored(1);
        assert!(log.has_room());
    }

    #[test]
    fn what_the_text_of_an_answer_says_is_not_stored_as_events_too() {
        let mut log = Log::new();
        assert_eq!(log.tail(true), (Vec::new(), 2));
        log.show("all");
        assert_eq!(log.tail(true), (Vec::new(), 3));
        let second = log.show(" of it");
        assert_eq!(log.tail(false), (Vec::new(), 3), "nobody has seen that there were two");
        assert_eq!(log.tail(true).1, 4);
        log.stored(1);
        assert_eq!(log.tail(false), (vec![second], 4));
    }
}
