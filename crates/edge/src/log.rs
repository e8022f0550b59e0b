//! Logs are JSON lines on standard output, one for each event.
//!
//! Every line has `timestamp level correlation_id trace_id module message user_id execution_time` and what its event adds.
//! What identifies the request comes from the span that the access log opens, so that nobody has to repeat it.

mod fields;
mod lines;
mod spans;

use tracing::Level;

pub use self::lines::JsonLines;
use crate::stdout;

/// Writes all logs of this instance to standard output, from `level` on: `error`, `warn`, `info` (if nothing or nonsense is
/// given), `debug` or `trace`. Only the first call has an effect.
pub fn install(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    // A second call fails, and means that the first one has done what is wanted.
    let _ = tracing::subscriber::set_global_default(JsonLines::new(level, stdout::write_line));
}
