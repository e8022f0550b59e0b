//! What is wrong with a request, field by field.

use fault::FieldFault;
use serde_path_to_error::Segment;

use crate::problem::Problem;

/// How many faults an answer names at most, and how long a pointer gets, in bytes: an answer should not be larger than
/// the request that it complains about.
const MAX_FAULTS: usize = 20;
const MAX_POINTER_BYTES: usize = 200;

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

    /// A field that nobody reads.
    pub(crate) fn unknown(&mut self, path: &serde_ignored::Path<'_>) {
        let mut pointer = String::new();
        self.point(&mut pointer, path);
        self.add(pointer, "is not a field of this request".to_owned());
    }

    /// A value that serde did not accept, and why.
    pub(crate) fn wrong(&mut self, path: &serde_path_to_error::Path, message: &str) {
        let mut pointer = String::new();
        for segment in path.iter() {
            match segment {
                Segment::Seq { index } => self.push(&mut pointer, &index.to_string()),
                Segment::Map { key } => self.push(&mut pointer, key),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        // serde_json says where in the text; the pointer says it better.
        let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
        if let Some(name) = quoted(message, "missing field `") {
            self.push(&mut pointer, name);
            self.add(pointer, "is required".to_owned());
        } else if let Some(name) = quoted(message, "duplicate field `") {
            let mut pointer = String::new();
            self.push(&mut pointer, name);
            self.add(pointer, "is there twice".to_owned());
        } else {
            // What was found instead may be a secret in the wrong place; what was expected never is.
            let detail = message.split_once(", expected ").map(|(_, wanted)| format!("has to be {wanted}"));
            self.add(pointer, detail.unwrap_or_else(|| message.to_owned()));
        }
    }

    /// A fault at the parameter or field called `name`.
    pub(crate) fn at(&mut self, name: &str, detail: &'static str) {
        let mut pointer = String::new();
        self.push(&mut pointer, name);
        self.add(pointer, detail.to_owned());
    }

    fn point(&self, pointer: &mut String, path: &serde_ignored::Path<'_>) {
        use serde_ignored::Path;
        match path {
            Path::Root => {}
            Path::Seq { parent, index } => {
                self.point(pointer, parent);
                self.push(pointer, &index.to_string());
            }
            Path::Map { parent, key } => {
                self.point(pointer, parent);
                self.push(pointer, key);
            }
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                self.point(pointer, parent);
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

/// What stands between `before` at the beginning of `message` and the next backquote.
fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.split_once('`').map(|(name, _)| name)
}
