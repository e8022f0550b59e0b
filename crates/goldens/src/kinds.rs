//! The kinds of records, one module each: what goes in, what is run, what must come out.

use predict::Value;

use crate::Verdict;
use crate::decode::text;

mod call;
mod format;
mod metric;
mod optimizer;
mod outcome;
mod parse;
mod program_state;
mod pyrandom;
mod react;
mod script;
mod unit;
mod wire;

/// Replays one record.
pub(crate) fn check(record: &Value) -> Verdict {
    match text(record, "kind")? {
        "format" => format::check(record),
        "parse" => parse::check(record),
        "call" => call::check(record),
        "react" => react::check(record),
        "program_state" => program_state::check(record),
        "wire" => wire::check(record),
        "optimizer" => optimizer::check(record),
        "metric" => metric::check(record),
        "unit" => unit::check(record),
        other => Err(format!("there is no kind `{other}`")),
    }
}
