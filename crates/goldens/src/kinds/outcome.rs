//! Whether a module's outcome is the recorded one.

use predict::{CallError, Map, Prediction, Value};

use super::script::error_class;
use crate::Verdict;
use crate::compare::same;
use crate::decode::{map, text};

/// Compares fields and, where the record has them, completions; or the class of the error.
pub(crate) fn same_outcome(record: &Value, outcome: &Result<Prediction, CallError>) -> Verdict {
    match (record.get("error"), outcome) {
        (None, Ok(prediction)) => same_prediction(record.get("result").unwrap_or(&Value::Null), prediction),
        // Where no attempt succeeds, DSPy gives None, which we call an error.
        (None, Err(CallError::NoAttemptSucceeded { .. })) if record.get("result") == Some(&Value::Null) => Ok(()),
        (None, Err(error)) => Err(format!("it failed: {}", told(error))),
        (Some(_), Ok(prediction)) => Err(format!("an error was expected, not {:?}", prediction.values)),
        (Some(expected), Err(error)) => {
            let expected = text(expected, "class")?;
            let exotic = record.get("tier").and_then(Value::as_str) == Some("exotic");
            let class = class(error);
            if exotic || class == expected { Ok(()) } else { Err(format!("it failed as {class}, expected {expected}")) }
        }
    }
}

fn same_prediction(expected: &Value, prediction: &Prediction) -> Verdict {
    let fields = expected.get("fields").map(map).unwrap_or_default();
    same("result", &fields.into(), &prediction.values.clone().into())?;
    let Some(completions) = expected.get("completions") else { return Ok(()) };
    let mut columns: Map = Map::new();
    for (name, _) in prediction.completions.iter().flatten() {
        let column = prediction.completions.iter().filter_map(|completion| completion.get(name).cloned());
        columns.entry(name.clone()).or_insert_with(|| Value::List(column.collect()));
    }
    same("completions", &map(completions).into(), &columns.into())
}

/// The Python exception that DSPy raises.
fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Invalid { .. } | CallError::Refused { .. } => "ValueError",
        CallError::Format { .. } => "TypeError",
        CallError::Lm { source, .. } => error_class(source.kind),
        CallError::Parse { source, .. } => source.class(),
        CallError::NoAttemptSucceeded { last, .. } => class(last),
        _ => "Exception",
    }
}

/// The error with its causes.
fn told(error: &CallError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
