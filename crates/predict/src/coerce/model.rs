//! Models out of objects.

use super::union::Exactness;
use super::validate::{State, wanted};
use super::{Invalid, constraint};
use crate::typing::ModelType;
use crate::typing::model::{Extra, ModelField};
use crate::value::{Map, Value};

/// Reads an object as a model: fields by alias (by name where there is none), defaults for absent ones.
pub(super) fn validate<'t>(state: &mut State<'t>, value: &Value, model: &'t ModelType) -> Result<Value, Invalid> {
    let Value::Map(members) = value else { return Err(wanted(&format!("an object ({})", model.name), value)) };
    state.floor(Exactness::Lax);
    state.models.push(model);
    let read = fields(state, members, model);
    state.models.pop();
    read
}

fn fields<'t>(state: &mut State<'t>, members: &Map, model: &'t ModelType) -> Result<Value, Invalid> {
    let mut read = Map::new();
    let mut given = 0;
    for field in &model.fields {
        if let Some(value) = member(state, members, field) {
            let value = state.validate(value, &field.ty).map_err(|error| error.at(field.key()))?;
            let satisfied = field.constraints.iter().try_for_each(|condition| constraint::check(&value, condition));
            satisfied.map_err(|error| error.at(field.key()))?;
            read.insert(field.name.clone(), value);
            given += 1;
        } else {
            let default = field.default.as_ref().map(|default| default.value().clone());
            read.insert(field.name.clone(), default.ok_or_else(|| Invalid::new("field required").at(field.key()))?);
        }
    }
    let is_field = |key: &String| {
        model.fields.iter().any(|field| field.key() == key.as_str() || (state.by_name && field.name == *key))
    };
    let extra = members.iter().filter(|(key, _)| !is_field(key));
    match model.extra {
        Extra::Ignore => {}
        Extra::Forbid => {
            if let Some((key, _)) = extra.into_iter().next() {
                return Err(Invalid::new("extra inputs are not permitted").at(key));
            }
        }
        Extra::Allow => read.extend(extra.map(|(key, value)| (key.clone(), value.clone()))),
    }
    *state.fields_set.get_or_insert(0) += given;
    Ok(read.into())
}

fn member<'v>(state: &State<'_>, members: &'v Map, field: &ModelField) -> Option<&'v Value> {
    let by_name = || if state.by_name { members.get(&field.name) } else { None };
    members.get(field.key()).or_else(by_name)
}
