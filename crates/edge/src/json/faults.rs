//! What is wrong with a request, field by field.

use fault::FieldFault;

use super::wrong::{What, Wrong};
use crate::problem::Problem;

/// How many faults an answer names at most, and how long a pointer gets, in bytes: an answer should not be larger than
/// the request that it complains about.
const MAX_FAULTS: usize = 20;
const MAX_POINTER_BYTES: usize = 200;

/// Where a value stands: in a field, or at an index, of what stands around it.
pub(super) enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

/// The faults found so far.
pub(crate) struct Faults {
    found: Vec<FieldFault>,
    /// What stands before a name: `/` in a body (RFC 6901), `?` in a query, `:` in headers.
    separator: char,
}

impl Faults {
    pub(crate) fn of_body() -> Self {
        Self { found: Vec::new(), separator: '/' }
    }

    pub(crate) fn of_headers() -> Self {
        Self { found: Vec::new(), separator: ':' }
    }

    pub(crate) fn of_query() -> Self {
        Self { found: Vec::new(), separator: '?' }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_problem(self) -> Problem {
        Problem::invalid(self.found)
    }

    /// A fault at the parameter or field called `name`.
    pub(crate) fn at(&mut self, name: &str, detail: &'static str) {
        let pointer = self.pointer(&Place::Field(&Place::Root, name));
        self.add(pointer, detail.to_owned());
    }

    /// A field that nobody reads.
    pub(super) fn unknown(&mut self, place: &Place<'_>) {
        let pointer = self.pointer(place);
        self.add(pointer, "is not a field of this request".to_owned());
    }

    /// A value that does not fit.
    pub(super) fn wrong(&mut self, wrong: Wrong) {
        let mut pointer = wrong.pointer.unwrap_or_default();
        match wrong.what {
            What::Missing(name) => {
                self.push(&mut pointer, name);
                self.add(pointer, "is required".to_owned());
            }
            What::Says(predicate) => self.add(pointer, predicate),
        }
    }

    /// `place` as it is written in an answer.
    pub(super) fn pointer(&self, place: &Place<'_>) -> String {
        let mut pointer = String::new();
        self.point(&mut pointer, place);
        pointer
    }

    fn point(&self, pointer: &mut String, place: &Place<'_>) {
        match place {
            Place::Root => {}
            Place::Field(outer, name) => {
                self.point(pointer, outer);
                self.push(pointer, name);
            }
            Place::Index(outer, index) => {
                self.point(pointer, outer);
                self.push(pointer, &index.to_string());
            }
        }
    }

    fn push(&self, pointer: &mut String, name: &str) {
        pointer.push(self.separator);
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }

    fn add(&mut self, mut pointer: String, detail: String) {
        if self.found.len() < MAX_FAULTS {
            pointer.truncate(pointer.floor_char_boundary(MAX_POINTER_BYTES));
            self.found.push(FieldFault::new(pointer, detail));
        }
    }
}
