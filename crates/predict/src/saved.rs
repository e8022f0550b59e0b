//! Saved programs: DSPy's JSON files, and a format of our own that says what DSPy's leaves to the code.

mod digest;
mod dspy;
mod json_file;
mod lm_state;
mod own;
mod own_signature;
mod own_value;
pub mod types;

pub use digest::digest;
pub use dspy::{LoadError, SaveError, dump_state, load_dspy, load_state, save_dspy};
pub use lm_state::LmState;
pub use own::{FileError, load, open, save};
