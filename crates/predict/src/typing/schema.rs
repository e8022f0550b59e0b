//! JSON Schema of types as pydantic 2.14 generates it in validation mode.
//!
//! Named types (models and enumerations) live in `$defs` and are referred to, except at the root, where a type that
//! nothing else refers to stands itself. Keys are sorted, those of `properties` and of defaults excepted.
//! Source: the JSON Schema page of pydantic's documentation and schemas observed from pydantic 2.14.3.

use super::model::{Constraint, Default, Extra, ModelField};
use super::{EnumType, ModelType, Type};
use crate::map;
use crate::python::cleandoc::cleandoc;
use crate::value::{Map, Value};

mod dspy;
mod prompt;

pub(crate) use prompt::type_first;

/// Which name of a model's field its property has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The alias where there is one, which completions use.
    Alias,
    /// The field's own name, which the XML adapter uses.
    Name,
}

/// The schema of a type; `None` where there is none.
pub(super) fn of(ty: &Type) -> Option<Map> {
    with_naming(ty, Naming::Alias)
}

/// The schema of a type, its properties named as asked.
pub(crate) fn with_naming(ty: &Type, naming: Naming) -> Option<Map> {
    let mut generator = Generator { naming, definitions: Map::new() };
    let root = generator.schema(ty)?;
    Some(generator.finish(root))
}

struct Generator {
    naming: Naming,
    /// Schemas by name, an entry being `Null` while its type is still being described.
    definitions: Map,
}

impl Generator {
    /// Puts the definitions in and, where nothing else refers to it, the root's own definition in its place.
    fn finish(mut self, root: Map) -> Map {
        let mut root = root;
        if let (1, Some(target)) = (root.len(), reference_target(&root)) {
            let is_recursive = self.definitions.values().any(|schema| refers_to(schema, &target));
            if let (false, Some(Value::Map(own))) = (is_recursive, self.definitions.get(&target).cloned()) {
                self.definitions.shift_remove(&target);
                root = own;
            }
        }
        if !self.definitions.is_empty() {
            let definitions = std::mem::take(&mut self.definitions);
            root.insert("$defs".into(), definitions.into());
        }
        sorted(root, "")
    }

    fn schema(&mut self, ty: &Type) -> Option<Map> {
        let schema = match ty {
            Type::Str => map! { "type" => "string" },
            Type::Int => map! { "type" => "integer" },
            Type::Float => map! { "type" => "number" },
            Type::Bool => map! { "type" => "boolean" },
            Type::Any => map! {},
            Type::None => map! { "type" => "null" },
            Type::Bytes => map! { "format" => "binary", "type" => "string" },
            Type::Date => map! { "format" => "date", "type" => "string" },
            Type::DateTime => map! { "format" => "date-time", "type" => "string" },
            Type::Time => map! { "format" => "time", "type" => "string" },
            Type::TimeDelta => map! { "format" => "duration", "type" => "string" },
            Type::List(items) | Type::VariadicTuple(items) => self.array(items.as_deref())?,
            Type::Set(items) | Type::FrozenSet(items) => {
                let mut array = self.array(items.as_deref())?;
                array.insert("uniqueItems".into(), true.into());
                array
            }
            Type::Tuple(items) => self.tuple(items)?,
            Type::Dict(pair) => self.dict(pair.as_deref())?,
            Type::Literal(values) => literal(values),
            Type::Union(members) => self.union(members)?,
            Type::Enum(enumeration) => self.define(&enumeration.name, |_| Some(enum_schema(enumeration)))?,
            Type::Model(model) => self.define(&model.name, |generator| generator.model(model))?,
            Type::Ref(name) => reference(name),
            Type::Tool => return None,
            special => self.dspy(special)?,
        };
        Some(schema)
    }

    fn array(&mut self, items: Option<&Type>) -> Option<Map> {
        let items = self.schema(items.unwrap_or(&Type::Any))?;
        Some(map! { "items" => items, "type" => "array" })
    }

    fn tuple(&mut self, items: &[Type]) -> Option<Map> {
        let prefix = items.iter().map(|item| self.schema(item)).collect::<Option<Vec<Map>>>()?;
        let mut schema = map! { "maxItems" => items.len(), "minItems" => items.len() };
        if !prefix.is_empty() {
            schema.insert("prefixItems".into(), prefix.into());
        }
        schema.insert("type".into(), "array".into());
        Some(schema)
    }

    fn dict(&mut self, pair: Option<&(Type, Type)>) -> Option<Map> {
        let (mut keys, values) = match pair {
            Some((keys, values)) => (self.schema(keys)?, self.schema(values)?),
            None => (map! {}, map! {}),
        };
        let additional = if values.is_empty() { Value::Bool(true) } else { values.into() };
        let mut schema = map! { "additionalProperties" => additional };
        let is_string = keys.get("type").and_then(Value::as_str) == Some("string");
        if (is_string && keys.len() > 1) || keys.contains_key("$ref") {
            keys.shift_remove("type");
            schema.insert("propertyNames".into(), keys.into());
        }
        schema.insert("type".into(), "object".into());
        Some(schema)
    }

    /// `anyOf` without repetitions; `null` goes last, wherever `None` was.
    fn union(&mut self, members: &[Type]) -> Option<Map> {
        let mut any_of: Vec<Value> = Vec::new();
        let (nulls, others): (Vec<_>, Vec<_>) = members.iter().partition(|member| **member == Type::None);
        for member in others.into_iter().chain(nulls.into_iter().take(1)) {
            let schema = self.schema(member)?;
            let flat = match schema.get("anyOf").and_then(Value::as_list) {
                Some(inner) if schema.len() == 1 => inner.to_vec(),
                _ => vec![schema.into()],
            };
            any_of.extend(flat.into_iter().filter(|schema| !any_of.contains(schema)).collect::<Vec<_>>());
        }
        match <[Value; 1]>::try_from(any_of) {
            Ok([Value::Map(only)]) => Some(only),
            Ok(only) => Some(map! { "anyOf" => Value::List(only.into()) }),
            Err(any_of) => Some(map! { "anyOf" => Value::List(any_of) }),
        }
    }

    /// Describes a named type once and gives a reference to it.
    fn define(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Option<Map>) -> Option<Map> {
        if !self.definitions.contains_key(name) {
            self.definitions.insert(name.to_owned(), Value::Null);
            let schema = describe(self)?;
            self.definitions.insert(name.to_owned(), schema.into());
        }
        Some(reference(name))
    }

    fn model(&mut self, model: &ModelType) -> Option<Map> {
        let mut properties = Map::new();
        for field in &model.fields {
            let name = if self.naming == Naming::Alias { field.key() } else { &field.name };
            properties.insert(name.to_owned(), self.model_field(name, field)?.into());
        }
        let required = model.fields.iter().filter(|field| field.default.is_none());
        let required: Vec<&str> =
            required.map(|field| if self.naming == Naming::Alias { field.key() } else { &field.name }).collect();
        let mut schema = map! { "properties" => properties, "title" => model.name.as_str(), "type" => "object" };
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        if let Some(doc) = &model.doc {
            schema.insert("description".into(), cleandoc(doc).into());
        }
        match model.extra {
            Extra::Ignore => None,
            Extra::Forbid => schema.insert("additionalProperties".into(), false.into()),
            Extra::Allow => schema.insert("additionalProperties".into(), true.into()),
        };
        Some(schema)
    }

    fn model_field(&mut self, name: &str, field: &ModelField) -> Option<Map> {
        let mut schema = self.schema(&field.ty)?;
        for constraint in &field.constraints {
            constrain(&mut schema, constraint, &field.ty);
        }
        if is_titled(&field.ty) {
            schema.insert("title".into(), title(name).into());
        }
        if let Some(description) = &field.description {
            schema.insert("description".into(), description.as_str().into());
        }
        if let Some(Default::Value(value)) = &field.default {
            schema.insert("default".into(), value.to_plain());
        }
        Some(schema)
    }
}

/// Whether a field of this type gets a title of its own: not where the type brings one.
fn is_titled(ty: &Type) -> bool {
    match ty {
        Type::Model(_) | Type::Ref(_) | Type::Enum(_) => false,
        Type::Image | Type::Audio | Type::File | Type::History | Type::ToolCalls | Type::Code(_) | Type::Reasoning => {
            false
        }
        // A union with `None` is a nullable type, which asks the type inside; any other union is a type of its own.
        Type::Union(members) => match members.iter().filter(|member| **member != Type::None).collect::<Vec<_>>()[..] {
            [only] => is_titled(only),
            _ => true,
        },
        _ => true,
    }
}

/// `street_name` gives `Street Name`: Python's `str.title` with blanks for underscores.
fn title(name: &str) -> String {
    let mut after_letter = false;
    let mut titled = String::with_capacity(name.len());
    for ch in name.chars() {
        match ch {
            _ if after_letter => titled.extend(ch.to_lowercase()),
            _ => titled.extend(ch.to_uppercase()),
        }
        after_letter = ch.is_alphabetic();
    }
    titled.replace('_', " ").trim().to_owned()
}

fn literal(values: &[Value]) -> Map {
    let mut schema = match values {
        [only] => map! { "const" => only.clone() },
        _ => map! { "enum" => values.to_vec() },
    };
    insert_common_type(&mut schema, values.iter());
    schema
}

fn enum_schema(enumeration: &EnumType) -> Map {
    let values = enumeration.members.iter().map(|(_, value)| value);
    let mut schema = map! {
        "enum" => values.clone().map(Value::to_plain).collect::<Vec<_>>(),
        "title" => enumeration.name.as_str(),
    };
    insert_common_type(&mut schema, values);
    if let Some(doc) = &enumeration.doc {
        schema.insert("description".into(), cleandoc(doc).into());
    }
    schema
}

/// `type`, if all values have one JSON type.
fn insert_common_type<'a>(schema: &mut Map, values: impl Iterator<Item = &'a Value>) {
    let mut types: Vec<&str> = values.map(json_type).collect();
    types.dedup();
    if let [only] = types[..] {
        schema.insert("type".into(), only.into());
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::BigInt(_) => "integer",
        Value::Float(_) => "number",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        Value::Str(_) | Value::Media(_) | Value::Tool(_) | Value::ToolCalls(_) => "string",
    }
}

fn constrain(schema: &mut Map, constraint: &Constraint, ty: &Type) {
    let is_text = matches!(ty, Type::Str | Type::Bytes);
    let is_dict = matches!(ty, Type::Dict(_));
    let (key, value) = match constraint {
        Constraint::Gt(bound) => ("exclusiveMinimum", bound.clone()),
        Constraint::Ge(bound) => ("minimum", bound.clone()),
        Constraint::Lt(bound) => ("exclusiveMaximum", bound.clone()),
        Constraint::Le(bound) => ("maximum", bound.clone()),
        Constraint::MultipleOf(factor) => ("multipleOf", factor.clone()),
        Constraint::MinLen(len) if is_text => ("minLength", (*len).into()),
        Constraint::MaxLen(len) if is_text => ("maxLength", (*len).into()),
        Constraint::MinLen(len) if is_dict => ("minProperties", (*len).into()),
        Constraint::MaxLen(len) if is_dict => ("maxProperties", (*len).into()),
        Constraint::MinLen(len) => ("minItems", (*len).into()),
        Constraint::MaxLen(len) => ("maxItems", (*len).into()),
        Constraint::Pattern(pattern) => ("pattern", pattern.as_str().into()),
    };
    // A constraint on `Optional[T]` belongs to `T`, the first member.
    match schema.get_mut("anyOf") {
        Some(Value::List(members)) => {
            if let Some(Value::Map(first)) = members.first_mut() {
                first.insert(key.into(), value);
            }
        }
        _ => {
            schema.insert(key.into(), value);
        }
    }
}

fn reference(name: &str) -> Map {
    map! { "$ref" => format!("#/$defs/{name}") }
}

fn reference_target(schema: &Map) -> Option<String> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
}

fn refers_to(schema: &Value, target: &str) -> bool {
    match schema {
        Value::Map(map) => {
            reference_target(map).as_deref() == Some(target) || map.values().any(|value| refers_to(value, target))
        }
        Value::List(items) => items.iter().any(|item| refers_to(item, target)),
        _ => false,
    }
}

/// Sorts the keys of every object, except below `default` and of `properties` themselves.
fn sorted(schema: Map, parent: &str) -> Map {
    let mut entries: Vec<(String, Value)> = schema.into_iter().collect();
    if !matches!(parent, "properties" | "default") {
        entries.sort_by(|left, right| left.0.cmp(&right.0));
    }
    let sort_value = |key: String, value: Value| {
        let value = sorted_value(value, &key);
        (key, value)
    };
    entries.into_iter().map(|(key, value)| sort_value(key, value)).collect()
}

fn sorted_value(value: Value, parent: &str) -> Value {
    match value {
        Value::Map(map) => sorted(map, parent).into(),
        Value::List(items) => Value::List(items.into_iter().map(|item| sorted_value(item, parent)).collect()),
        other => other,
    }
}
