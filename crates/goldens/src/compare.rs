//! The first difference between what was expected and what came.

use predict::Value;
use predict::python::repr::repr;

use crate::Verdict;

/// How much of a value a difference shows.
const SHOWN: usize = 160;

/// Whether two values are the same: integers are no floats, the order of keys does not matter, `{"$repr": ...}` stands
/// for a value that has no JSON form and matches everything.
pub(crate) fn same(what: &str, expected: &Value, actual: &Value) -> Verdict {
    match (expected, actual) {
        (Value::Map(expected), _) if expected.contains_key("$repr") => Ok(()),
        (Value::Map(expected), Value::Map(actual)) => {
            for (key, value) in expected {
                let path = format!("{what}.{key}");
                let other = actual.get(key).ok_or_else(|| format!("{path} is missing; expected {}", shown(value)))?;
                same(&path, value, other)?;
            }
            match actual.iter().find(|(key, _)| !expected.contains_key(*key)) {
                Some((key, value)) => Err(format!("{what}.{key} is not expected: {}", shown(value))),
                None => Ok(()),
            }
        }
        (Value::List(expected), Value::List(actual)) => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                same(&format!("{what}[{index}]"), expected, actual)?;
            }
            let (expected, actual) = (expected.len(), actual.len());
            if expected == actual { Ok(()) } else { Err(format!("{what} has {actual} elements, expected {expected}")) }
        }
        (Value::Float(expected), Value::Float(actual)) if expected.is_nan() && actual.is_nan() => Ok(()),
        (Value::Str(expected), Value::Str(actual)) => same_text(what, expected, actual),
        (expected, actual) if expected == actual => Ok(()),
        (expected, actual) => Err(format!("{what} is {}, expected {}", shown(actual), shown(expected))),
    }
}

/// Whether two texts are the same; shows where they begin to differ.
pub(crate) fn same_text(what: &str, expected: &str, actual: &str) -> Verdict {
    if expected == actual {
        return Ok(());
    }
    let common = expected.char_indices().zip(actual.chars()).find(|((_, left), right)| left != right);
    let at = common.map_or(expected.len().min(actual.len()), |((at, _), _)| at);
    let from = expected[..at].char_indices().rev().nth(40).map_or(0, |(index, _)| index);
    let window = |text: &str| shown(&text[from..].into());
    Err(format!("{what} differs at byte {at}:\n  expected ...{}\n  actual   ...{}", window(expected), window(actual)))
}

fn shown(value: &Value) -> String {
    let text = repr(value);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
