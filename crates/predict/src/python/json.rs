//! Python's `json` module: what it reads and how it writes.
//!
//! Source: the documentation of `json` (Python 3.11) and RFC 8259, from which it departs: NaN and the infinities are
//! values, and a repeated key's last value wins.

mod decode;
mod encode;

pub use decode::{DecodeError, MAX_DEPTH, loads, raw_decode};
pub use encode::{dumps, dumps_compact, dumps_indented};
