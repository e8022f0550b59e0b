//! Python's habits that reach prompts and values, one small module each. Nothing outside this folder knows Python.

pub mod cleandoc;
pub mod eq;
pub mod float;
pub mod json;
pub mod json_repair;
pub mod literal_eval;
pub mod random;
pub mod repr;
pub mod text;
pub mod textwrap;
pub mod unicode;
