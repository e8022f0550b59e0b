//! pydantic's lax validation by type.
//!
//! Source: pydantic's conversion table (Python input, lax mode) and the behaviour of pydantic 2.14.3.

use super::union::Exactness;
use super::{Invalid, dspy, model, number, temporal, union};
use crate::python::{eq, repr};
use crate::typing::{ModelType, Type};
use crate::value::{Map, Value};

/// Reads a value as one of the type, by pydantic's rules alone: how the arguments of tools and the parts of containers
/// are read.
///
/// # Errors
/// When the type does not admit the value.
pub fn validate(value: &Value, ty: &Type) -> Result<Value, Invalid> {
    State::new(value, false).validate(value, ty)
}

/// As [`validate`], with the fields of models known by their names and not only by their aliases.
pub(crate) fn validate_by_name(value: &Value, ty: &Type) -> Result<Value, Invalid> {
    State::new(value, true).validate(value, ty)
}

/// What one validation keeps in mind.
pub(super) struct State<'t> {
    /// How close the values so far are to their types.
    pub(super) exactness: Exactness,
    /// How many model fields were given, for unions to choose by.
    pub(super) fields_set: Option<usize>,
    /// Whether model fields go by name as well.
    pub(super) by_name: bool,
    /// The models around the current value, innermost last, for references to them.
    pub(super) models: Vec<&'t ModelType>,
    /// How many steps may still be taken. Unions of recursive models would otherwise take exponentially many.
    steps_left: usize,
}

/// Enough for any honest value: each of its parts may be tried against this many types.
const STEPS_PER_NODE: usize = 256;

impl<'t> State<'t> {
    fn new(value: &Value, by_name: bool) -> Self {
        let steps_left = STEPS_PER_NODE * (16 + node_count(value));
        Self { exactness: Exactness::Exact, fields_set: None, by_name, models: Vec::new(), steps_left }
    }

    /// Notes that the current value is no closer to its type than this.
    pub(super) fn floor(&mut self, exactness: Exactness) {
        self.exactness = self.exactness.min(exactness);
    }

    pub(super) fn validate(&mut self, value: &Value, ty: &'t Type) -> Result<Value, Invalid> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| Invalid::new("too many alternatives to try"))?;
        match ty {
            Type::Str | Type::Bytes => Self::text(value),
            Type::Int => number::integer(self, value),
            Type::Float => number::float(self, value),
            Type::Bool => number::boolean(self, value),
            Type::Any => {
                self.floor(Exactness::Strict);
                Ok(value.clone())
            }
            Type::None if value.is_null() => Ok(Value::Null),
            Type::None => Err(wanted("None", value)),
            Type::Date | Type::DateTime | Type::Time | Type::TimeDelta => {
                self.floor(Exactness::Lax);
                temporal::validate(value, ty)
            }
            Type::List(items) => self.list(value, items.as_deref(), Exactness::Exact).map(Value::List),
            Type::VariadicTuple(items) => self.list(value, items.as_deref(), Exactness::Lax).map(Value::List),
            Type::Set(items) | Type::FrozenSet(items) => {
                Ok(Value::List(sorted_set(self.list(value, items.as_deref(), Exactness::Lax)?)))
            }
            Type::Tuple(items) => self.tuple(value, items),
            Type::Dict(pair) => self.dict(value, pair.as_deref()),
            Type::Literal(allowed) => Self::literal(value, allowed),
            Type::Union(members) => union::validate(self, value, members),
            Type::Enum(enumeration) => {
                self.floor(Exactness::Lax);
                let mut values = enumeration.members.iter().map(|(_, value)| value);
                let options = || values.clone().map(repr::repr).collect::<Vec<_>>().join(" or ");
                let expected = options();
                values.find(|option| eq::equals(option, value)).cloned().ok_or_else(|| wanted(&expected, value))
            }
            Type::Model(model) => model::validate(self, value, model),
            Type::Ref(name) => match self.models.iter().rev().find(|model| model.name == *name).copied() {
                Some(model) => model::validate(self, value, model),
                None => Err(Invalid::new(format!("nothing around is a model called {name}"))),
            },
            special => dspy::validate(self, value, special),
        }
    }

    fn text(value: &Value) -> Result<Value, Invalid> {
        match value {
            Value::Str(_) => Ok(value.clone()),
            other => Err(wanted("a string", other)),
        }
    }

    fn list(&mut self, value: &Value, items: Option<&'t Type>, exactness: Exactness) -> Result<Vec<Value>, Invalid> {
        let Value::List(values) = value else { return Err(wanted("a list", value)) };
        self.floor(exactness);
        let Some(items) = items else { return Ok(values.clone()) };
        let each = values.iter().enumerate();
        each.map(|(index, value)| self.validate(value, items).map_err(|error| error.at(index))).collect()
    }

    fn tuple(&mut self, value: &Value, items: &'t [Type]) -> Result<Value, Invalid> {
        let Value::List(values) = value else { return Err(wanted("a tuple", value)) };
        if values.len() != items.len() {
            return Err(Invalid::new(format!("{} items are required, {} given", items.len(), values.len())));
        }
        self.floor(Exactness::Lax);
        let each = values.iter().zip(items).enumerate();
        let read = each.map(|(index, (value, ty))| self.validate(value, ty).map_err(|error| error.at(index)));
        read.collect::<Result<_, _>>().map(Value::List)
    }

    fn dict(&mut self, value: &Value, pair: Option<&'t (Type, Type)>) -> Result<Value, Invalid> {
        let Value::Map(members) = value else { return Err(wanted("a dictionary", value)) };
        let Some((keys, values)) = pair else { return Ok(value.clone()) };
        let mut read = Map::new();
        for (key, value) in members {
            let key_value = self.validate(&Value::from(key.as_str()), keys).map_err(|error| error.at(key))?;
            let value = self.validate(value, values).map_err(|error| error.at(key))?;
            read.insert(key_text(&key_value), value);
        }
        Ok(read.into())
    }

    fn literal(value: &Value, allowed: &[Value]) -> Result<Value, Invalid> {
        // The same value of the same type, else the last that Python calls equal.
        let same = allowed.iter().find(|option| *option == value);
        let found = same.or_else(|| allowed.iter().rev().find(|option| eq::equals(option, value)));
        let options = || allowed.iter().map(repr::repr).collect::<Vec<_>>().join(" or ");
        found.cloned().ok_or_else(|| wanted(&options(), value))
    }
}

/// The error of a value of another kind.
pub(super) fn wanted(what: &str, value: &Value) -> Invalid {
    let mut shown = repr::repr(value);
    if let Some((at, _)) = shown.char_indices().nth(100) {
        shown.truncate(at);
        shown.push('…');
    }
    Invalid::new(format!("input should be {what}, not {shown}"))
}

/// A key as JSON writes it.
fn key_text(key: &Value) -> String {
    match key {
        Value::Bool(truth) => truth.to_string(),
        other => repr::str(other),
    }
}

/// Sets have no order; ours is that of numbers, then text, so that equal sets are equal values.
fn sorted_set(values: Vec<Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
    let mut seen = std::collections::HashSet::new();
    for value in values {
        // Python's sets hold one of `1`, `1.0` and `True`, and any number of NaNs.
        let number = value.as_f64().or_else(|| value.as_bool().map(f64::from));
        let key = number.map_or_else(|| repr::repr(&value), crate::python::float::repr);
        if seen.insert(key) || number.is_some_and(f64::is_nan) {
            distinct.push(value);
        }
    }
    let number = |value: &Value| value.as_f64().unwrap_or(f64::INFINITY);
    let sort_key = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    distinct.sort_by(|left, right| {
        number(left).total_cmp(&number(right)).then_with(|| sort_key(left).cmp(&sort_key(right)))
    });
    distinct
}

fn node_count(value: &Value) -> usize {
    1 + match value {
        Value::List(items) => items.iter().map(node_count).sum::<usize>(),
        Value::Map(map) => map.values().map(node_count).sum(),
        _ => 0,
    }
}
