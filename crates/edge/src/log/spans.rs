//! The spans that are open.

use std::cell::RefCell;

use tracing::{Metadata, span::Id};

use super::fields::Fields;

thread_local! {
    /// The spans that this thread is in, the innermost one last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Notes that this thread is in the span `id` from now on.
pub(super) fn enter(id: &Id) {
    ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
}

/// Notes that this thread has left the span `id`.
pub(super) fn exit(id: &Id) {
    ENTERED.with_borrow_mut(|entered| {
        if let Some(index) = entered.iter().rposition(|entered| *entered == id.into_u64()) {
            entered.remove(index);
        }
    });
}

/// The innermost span that this thread is in.
pub(super) fn innermost() -> Option<Id> {
    ENTERED.with_borrow(|entered| entered.last().copied()).map(Id::from_u64)
}

/// Spans by their ids, and memory that closed ones have left behind.
#[derive(Default)]
pub(super) struct Spans {
    slots: Vec<Slot>,
    free: Vec<usize>,
    spare: Vec<Fields>,
}

struct Slot {
    metadata: &'static Metadata<'static>,
    fields: Fields,
    /// How many handles there are.
    handles: usize,
}

impl Spans {
    /// Opens a span, with one handle.
    pub(super) fn open(&mut self, metadata: &'static Metadata<'static>, fields: Fields) -> Id {
        let slot = Slot { metadata, fields, handles: 1 };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        // An id is not zero.
        Id::from_u64(index as u64 + 1)
    }

    /// Counts another handle of `id`.
    pub(super) fn hold(&mut self, id: &Id) {
        self.slot(id).handles += 1;
    }

    /// Counts a handle of `id` less; true where that was the last one.
    pub(super) fn release(&mut self, id: &Id) -> bool {
        let slot = self.slot(id);
        slot.handles -= 1;
        if slot.handles > 0 {
            return false;
        }
        let fields = std::mem::take(&mut slot.fields);
        self.recycle(fields);
        self.free.push(index(id));
        true
    }

    pub(super) fn metadata(&self, id: &Id) -> &'static Metadata<'static> {
        self.slots[index(id)].metadata
    }

    pub(super) fn fields(&self, id: &Id) -> &Fields {
        &self.slots[index(id)].fields
    }

    pub(super) fn fields_mut(&mut self, id: &Id) -> &mut Fields {
        &mut self.slot(id).fields
    }

    /// Fields that say nothing.
    pub(super) fn blank(&mut self) -> Fields {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes back fields that nobody needs any more.
    pub(super) fn recycle(&mut self, mut fields: Fields) {
        fields.clear();
        self.spare.push(fields);
    }

    fn slot(&mut self, id: &Id) -> &mut Slot {
        &mut self.slots[index(id)]
    }
}

fn index(id: &Id) -> usize {
    // Made from an index, in `open`.
    (id.into_u64() - 1) as usize
}
