//! The text with a place in it, and looking around from there.

use std::cell::Cell;

use super::RepairError;
use crate::python::unicode::is_space;

/// The characters that json_repair takes for quotes.
pub(super) const QUOTES: [char; 4] = ['"', '\'', '“', '”'];

pub(super) fn is_quote(ch: char) -> bool {
    QUOTES.contains(&ch)
}

/// Work that any text may cost, in characters looked at: some tens of milliseconds.
const FREE_WORK: u64 = 20_000_000;
/// Work that every character adds to the budget.
const WORK_PER_CHARACTER: u64 = 256;

/// The text and the index of the current character. Offsets are relative to it and may be negative.
pub(super) struct Cursor {
    chars: Vec<char>,
    pub(super) index: usize,
    work_left: Cell<u64>,
    stopped: Cell<Option<RepairError>>,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let work = FREE_WORK + WORK_PER_CHARACTER * chars.len() as u64;
        Self { chars, index: 0, work_left: Cell::new(work), stopped: Cell::new(None) }
    }

    /// Why the repair has been given up, if it has. From then on the text seems to be at its end everywhere.
    pub(super) fn stopped(&self) -> Option<RepairError> {
        self.stopped.get()
    }

    pub(super) fn stop(&self, error: RepairError) {
        if self.stopped.get().is_none() {
            self.stopped.set(Some(error));
        }
    }

    /// Takes work from the budget; whether there was enough.
    fn spend(&self, work: usize) -> bool {
        match self.work_left.get().checked_sub(work as u64) {
            Some(left) => self.work_left.set(left),
            None => self.stop(RepairError::TooCostly),
        }
        self.stopped.get().is_none()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.index >= self.chars.len()
    }

    /// The text's length in characters.
    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    fn absolute(&self, offset: isize) -> Option<usize> {
        self.index.checked_add_signed(offset)
    }

    /// The character at an offset; none beyond either end.
    pub(super) fn at(&self, offset: isize) -> Option<char> {
        if !self.spend(1) {
            return None;
        }
        self.chars.get(self.absolute(offset)?).copied()
    }

    /// The current character.
    pub(super) fn char(&self) -> Option<char> {
        self.at(0)
    }

    /// The characters between two absolute positions.
    pub(super) fn slice(&self, start: usize, end: usize) -> &[char] {
        let end = end.min(self.chars.len());
        &self.chars[start.min(end)..end]
    }

    /// Puts other characters in the place of some.
    pub(super) fn splice(&mut self, start: usize, end: usize, with: impl IntoIterator<Item = char>) {
        let end = end.min(self.chars.len());
        let moved = self.chars.len() - start.min(end);
        if self.spend(moved / 16) {
            self.chars.splice(start.min(end)..end, with);
        }
    }

    /// Moves to the next character that is not space.
    pub(super) fn skip_space(&mut self) {
        while self.char().is_some_and(is_space) {
            self.index += 1;
        }
    }

    /// The offset of the first character from `offset` on that is not space.
    pub(super) fn scroll_space(&self, mut offset: isize) -> isize {
        while self.at(offset).is_some_and(is_space) {
            offset += 1;
        }
        offset
    }

    /// The last character before an absolute position that is not space.
    pub(super) fn last_visible_before(&self, position: usize) -> Option<char> {
        let before = self.slice(0, position);
        let at = before.iter().rposition(|ch| !is_space(*ch));
        self.spend(position - at.unwrap_or(0));
        at.map(|at| before[at])
    }

    /// The offset of the next target from `offset` on that has no odd run of backslashes before it; the distance to the
    /// end if there is none.
    pub(super) fn skip_to(&self, targets: &[char], offset: isize) -> isize {
        let end = self.chars.len() as isize - self.index as isize;
        let Some(start) = self.absolute(offset) else { return end };
        let mut backslashes = 0;
        let mut position = start;
        while let Some(ch) = self.chars.get(position) {
            if *ch == '\\' {
                backslashes += 1;
            } else if targets.contains(ch) && backslashes % 2 == 0 {
                self.spend(position - start);
                return position as isize - self.index as isize;
            } else {
                backslashes = 0;
            }
            position += 1;
        }
        self.spend(position - start.min(position));
        end
    }

    /// The end of the text as an offset.
    pub(super) fn end_offset(&self) -> isize {
        self.chars.len() as isize - self.index as isize
    }
}
