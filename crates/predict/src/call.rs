//! One model call from inputs to typed outputs: prepare, format, ask, parse, and what happens when parsing fails.

mod error;
mod feedback;
mod flow;
mod native;
mod outputs;
mod response_format;

pub use error::{CallError, RetryAdvice, Stage};
pub use feedback::{Check, Feedback};
pub(crate) use flow::{Call, run};
pub(crate) use response_format::OUTPUTS;
pub use response_format::output_schema;
