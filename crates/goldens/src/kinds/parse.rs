//! What an adapter reads from a completion.

use predict::{Type, Value};

use crate::Verdict;
use crate::compare::same;
use crate::decode::{adapter, map, member, signature, text};

pub(crate) fn check(record: &Value) -> Verdict {
    let signature = signature(member(record, "signature")?)?;
    let adapter = adapter(text(record, "adapter")?)?;
    let parsed = adapter.parse(&signature, text(record, "completion")?);
    match (record.get("ok") == Some(&Value::Bool(true)), parsed) {
        (true, Ok(mut fields)) => {
            let mut expected = map(member(record, "fields")?);
            for field in signature.outputs().filter(|field| matches!(field.ty, Type::Set(_) | Type::FrozenSet(_))) {
                for fields in [&mut fields, &mut expected] {
                    fields.entry(field.name.clone()).and_modify(sort);
                }
            }
            same("fields", &Value::Map(expected), &Value::Map(fields))
        }
        (true, Err(error)) => Err(format!("it failed: {error}")),
        (false, Ok(fields)) => Err(format!("an error was expected, not {fields:?}")),
        (false, Err(error)) => {
            let class = member(record, "error")?.get("class").and_then(Value::as_str);
            let exotic = record.get("tier").and_then(Value::as_str) == Some("exotic");
            match class == Some(error.class()) || exotic {
                true => Ok(()),
                false => Err(format!("it failed as {}, expected {class:?}", error.class())),
            }
        }
    }
}

/// Sets have no order; records list them sorted.
fn sort(set: &mut Value) {
    if let Value::List(items) = set {
        items.sort_by_cached_key(predict::python::repr::repr);
    }
}
