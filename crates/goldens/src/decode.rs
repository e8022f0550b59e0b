//! Records as values, types and signatures (the format of the goldens' README).

use std::sync::Arc;

use predict::typing::model::{Constraint, Default as FieldDefault, Extra};
use predict::{
    Adapter, ChatAdapter, EnumType, Example, Field, JsonAdapter, Map, ModelField, ModelType, Signature, Type, Value,
    XmlAdapter,
};

mod value;

pub(crate) use value::value;

/// A member of a record, or why it is none.
pub(crate) fn member<'a>(record: &'a Value, key: &str) -> Result<&'a Value, String> {
    record.get(key).ok_or_else(|| format!("the record has no `{key}`"))
}

pub(crate) fn text<'a>(record: &'a Value, key: &str) -> Result<&'a str, String> {
    member(record, key)?.as_str().ok_or_else(|| format!("`{key}` of the record is no text"))
}

pub(crate) fn list<'a>(record: &'a Value, key: &str) -> Result<&'a [Value], String> {
    member(record, key)?.as_list().ok_or_else(|| format!("`{key}` of the record is no list"))
}

/// The values of a map.
pub(crate) fn map(record: &Value) -> Map {
    let members = record.as_map().into_iter().flatten();
    members.map(|(key, member)| (key.clone(), value(member))).collect()
}

pub(crate) fn demos(record: &Value) -> Vec<Example> {
    record.as_list().unwrap_or_default().iter().map(|demo| Example::new(map(demo))).collect()
}

/// `ChatAdapter`, `JSONAdapter` or `XMLAdapter`, with switches in parentheses.
pub(crate) fn adapter(name: &str) -> Result<Arc<dyn Adapter>, String> {
    let (name, switch) = name.split_once('(').map_or((name, ""), |(name, switch)| (name, switch.trim_end_matches(')')));
    let chat = ChatAdapter { native_tools: switch == "native_tools", json_fallback: switch != "no_fallback" };
    match name {
        "ChatAdapter" => Ok(Arc::new(chat)),
        "JSONAdapter" => Ok(Arc::new(JsonAdapter { native_tools: switch != "no_native_tools" })),
        "XMLAdapter" => Ok(Arc::new(XmlAdapter::default())),
        other => Err(format!("there is no adapter `{other}`")),
    }
}

pub(crate) fn signature(record: &Value) -> Result<Signature, String> {
    let fields = list(record, "fields")?.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    // Given apart from the fields, because empty instructions stay empty.
    let instructions = text(record, "instructions")?;
    Ok(Signature::new(text(record, "name")?, None, fields).with_instructions(instructions))
}

fn field(record: &Value) -> Result<Field, String> {
    let ty = typed(member(record, "type")?, record.get("json_schema").unwrap_or(&Value::Null))?;
    let name = text(record, "name")?;
    let mut field = match text(record, "kind")? {
        "input" => Field::input(name, ty),
        _ => Field::output(name, ty),
    };
    field.set_saved_desc(text(record, "desc")?.to_owned());
    field.prefix = text(record, "prefix")?.to_owned();
    field.constraints = record.get("constraints").and_then(Value::as_str).map(str::to_owned);
    field.default = record.get("default").map(value);
    // A record does not tell a factory from a default; mutable defaults come from factories.
    field.default_is_factory = matches!(field.default, Some(Value::List(_) | Value::Map(_)));
    Ok(field)
}

/// A type tree; `schema` is the pydantic schema of the whole field, which shows which defaults are factories.
pub(crate) fn typed(tree: &Value, schema: &Value) -> Result<Type, String> {
    let items = |key: &str| match tree.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(inner) => typed(inner, schema).map(Some),
    };
    let all = |key: &str| list(tree, key)?.iter().map(|inner| typed(inner, schema)).collect::<Result<Vec<_>, _>>();
    Ok(match text(tree, "t")? {
        "str" => Type::Str,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "any" => Type::Any,
        "none" => Type::None,
        "bytes" => Type::Bytes,
        "date" => Type::Date,
        "datetime" => Type::DateTime,
        "time" => Type::Time,
        "timedelta" => Type::TimeDelta,
        "list" => Type::List(items("items")?.map(Box::new)),
        "set" => Type::Set(items("items")?.map(Box::new)),
        "frozenset" => Type::FrozenSet(items("items")?.map(Box::new)),
        "tuple" if tree.get("variadic") == Some(&Value::Bool(true)) => match tree.get("items") {
            Some(Value::List(_)) => Type::VariadicTuple(all("items")?.into_iter().next().map(Box::new)),
            _ => Type::VariadicTuple(items("items")?.map(Box::new)),
        },
        "tuple" => match tree.get("items") {
            Some(Value::List(_)) => Type::Tuple(all("items")?),
            _ => Type::VariadicTuple(None),
        },
        "dict" => Type::Dict(items("keys")?.zip(items("values")?).map(Box::new)),
        "literal" => Type::Literal(list(tree, "values")?.iter().map(value).collect()),
        "union" => Type::Union(all("args")?),
        "enum" => enumeration(tree)?,
        "model" => model(tree, schema)?,
        "ref" => Type::Ref(text(tree, "name")?.to_owned()),
        "dspy" => special(text(tree, "name")?)?,
        other => return Err(format!("there is no type `{other}`")),
    })
}

fn special(name: &str) -> Result<Type, String> {
    Ok(match name {
        "Image" => Type::Image,
        "Audio" => Type::Audio,
        "File" => Type::File,
        "History" => Type::History,
        "Tool" => Type::Tool,
        "ToolCalls" => Type::ToolCalls,
        "Reasoning" => Type::Reasoning,
        "Code" => Type::Code(None),
        other => match other.strip_prefix("Code_") {
            Some(language) => Type::Code(Some(language.to_owned())),
            None => return Err(format!("there is no type `dspy.{other}`")),
        },
    })
}

fn enumeration(tree: &Value) -> Result<Type, String> {
    let mut enumeration = EnumType::new(text(tree, "name")?);
    enumeration.doc = tree.get("doc").and_then(Value::as_str).map(str::to_owned);
    for member in list(tree, "members")? {
        let Some([Value::Str(name), member]) = member.as_list() else { return Err("a member is a pair".into()) };
        enumeration = enumeration.member(name, value(member));
    }
    Ok(Type::Enum(Arc::new(enumeration)))
}

fn model(tree: &Value, schema: &Value) -> Result<Type, String> {
    let name = text(tree, "name")?;
    let mut model = ModelType::new(name);
    model.doc = tree.get("doc").and_then(Value::as_str).map(str::to_owned);
    model.extra = match tree.get("extra").and_then(Value::as_str) {
        Some("forbid") => Extra::Forbid,
        Some("allow") => Extra::Allow,
        _ => Extra::Ignore,
    };
    let own = schema.get("$defs").and_then(|definitions| definitions.get(name)).unwrap_or(schema);
    for record in list(tree, "fields")? {
        let mut field = ModelField::new(text(record, "name")?, typed(member(record, "type")?, schema)?);
        field.alias = record.get("alias").and_then(Value::as_str).map(str::to_owned);
        field.description = record.get("description").and_then(Value::as_str).map(str::to_owned);
        if record.get("required") != Some(&Value::Bool(true)) {
            let default = record.get("default").map(value).unwrap_or_default();
            let property = own.get("properties").and_then(|properties| properties.get(field.key()));
            let is_factory = property.is_some_and(|property| property.get("default").is_none());
            field.default =
                Some(if is_factory { FieldDefault::Factory(default) } else { FieldDefault::Value(default) });
        }
        for constraint in record.get("constraints").and_then(Value::as_list).unwrap_or_default() {
            field.constraints.extend(constraint.as_str().and_then(constrained));
        }
        model = model.with(field);
    }
    Ok(Type::Model(Arc::new(model)))
}

/// `Ge(ge=0)`, `MinLen(min_length=1)` and their like, as Python prints them.
fn constrained(text: &str) -> Option<Constraint> {
    let (_, rest) = text.split_once('(')?;
    let (name, limit) = rest.trim_end_matches(')').split_once('=')?;
    let number = || limit.parse().map(Value::Int).or_else(|_| limit.parse().map(Value::Float)).ok();
    match name {
        "gt" => Some(Constraint::Gt(number()?)),
        "ge" => Some(Constraint::Ge(number()?)),
        "lt" => Some(Constraint::Lt(number()?)),
        "le" => Some(Constraint::Le(number()?)),
        "multiple_of" => Some(Constraint::MultipleOf(number()?)),
        "min_length" => Some(Constraint::MinLen(limit.parse().ok()?)),
        "max_length" => Some(Constraint::MaxLen(limit.parse().ok()?)),
        "pattern" => Some(Constraint::Pattern(limit.trim_matches('\'').replace("\\\\", "\\"))),
        _ => None,
    }
}
