//! Unions, pydantic's smart mode: the member that fits best wins, the earlier of equals.

use super::Invalid;
use super::validate::State;
use crate::typing::Type;
use crate::value::Value;

/// How close a value was to its type before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exactness {
    /// It had to be converted.
    Lax,
    /// It was of a type that stands for this one without loss.
    Strict,
    /// It was of this very type.
    Exact,
}

pub(super) fn validate<'t>(state: &mut State<'t>, value: &Value, members: &'t [Type]) -> Result<Value, Invalid> {
    // A union with `None` is a nullable type around the union of the others.
    if value.is_null() && members.contains(&Type::None) {
        return Ok(Value::Null);
    }
    let (outer_exactness, outer_fields) = (state.exactness, state.fields_set);
    let mut best: Option<(Value, Exactness, Option<usize>)> = None;
    let mut reasons = Vec::new();
    for member in members.iter().filter(|member| **member != Type::None || !members.contains(&Type::None)) {
        state.exactness = Exactness::Exact;
        state.fields_set = None;
        match state.validate(value, member) {
            Ok(read) => {
                let candidate = (read, state.exactness, state.fields_set);
                let is_exact = matches!(candidate, (_, Exactness::Exact, None));
                if is_exact || best.as_ref().is_none_or(|best| is_better(&candidate, best)) {
                    best = Some(candidate);
                }
                if is_exact {
                    break;
                }
            }
            Err(error) => reasons.push(format!("{} ({})", error, member.name())),
        }
    }
    state.exactness = outer_exactness;
    state.fields_set = outer_fields;
    let (read, exactness, fields_set) = best.ok_or_else(|| Invalid::new(reasons.join("; ")))?;
    state.floor(exactness);
    if let Some(fields) = fields_set {
        *state.fields_set.get_or_insert(0) += fields;
    }
    Ok(read)
}

/// More model fields given count first, exactness second.
fn is_better(new: &(Value, Exactness, Option<usize>), best: &(Value, Exactness, Option<usize>)) -> bool {
    match (best.2, new.2) {
        (Some(best_fields), Some(new_fields)) if best_fields != new_fields => best_fields < new_fields,
        _ => best.1 < new.1,
    }
}
