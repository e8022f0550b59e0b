//! Types with values of them, as property tests draw them.

use std::sync::Arc;

use predict::{EnumType, Map, ModelField, ModelType, Type, Value};
use proptest::prelude::*;

/// A type and one of its values, in the form that reading gives it.
pub(crate) type Typed = (Type, Value);

/// Words with blanks between them: text that no protocol gives a second meaning.
pub(crate) fn words() -> impl Strategy<Value = String> {
    "[a-zà-ö]{2,8}( [A-ZÀ-Ö]{1,6}){0,2}"
}

/// Text with everything that JSON has to escape. Line separators are left out: the chat protocol makes `\n` of them.
fn awkward_text() -> impl Strategy<Value = String> {
    "[a-z\"'{}\\[\\],:\\\\é😀«#/` \n\t]{0,12}"
}

fn integer() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        "[1-9][0-9]{20,30}".prop_map(|digits| { Value::integer(digits.parse().expect("digits are a number")) })
    ]
}

/// Infinities are left out: inside containers DSPy writes them as `null`.
fn float() -> impl Strategy<Value = Value> {
    let finite = proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL;
    prop_oneof![finite, Just(1e16), Just(1e-5)].prop_map(Value::Float)
}

fn date() -> impl Strategy<Value = Typed> {
    (1_i32..9999, 1..13, 1..29)
        .prop_map(|(year, month, day)| (Type::Date, Value::from(format!("{year:04}-{month:02}-{day:02}"))))
}

fn date_time() -> impl Strategy<Value = Typed> {
    let zone = prop_oneof![Just(""), Just("Z"), Just("+02:00"), Just("-11:30")];
    let fraction = prop_oneof![Just(""), Just(".500000"), Just(".000001")];
    (date(), 0..24, 0..60, 0..60, fraction, zone).prop_map(|((_, day), hour, minute, second, fraction, zone)| {
        let day = day.as_str().unwrap_or_default().to_owned();
        (Type::DateTime, Value::from(format!("{day}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")))
    })
}

fn enumeration() -> impl Strategy<Value = Typed> {
    let ty = EnumType::new("Colour").member("RED", "red one").member("BLUE", "it's blue").member("GREY", "GREY");
    prop_oneof![Just("red one"), Just("it's blue"), Just("GREY")]
        .prop_map(move |value| (Type::Enum(Arc::new(ty.clone())), Value::from(value)))
}

fn literal() -> impl Strategy<Value = Typed> {
    let ty = Type::literal([Value::from("a b"), Value::from("it's"), Value::from(3), Value::Null]);
    prop_oneof![Just(Value::from("a b")), Just(Value::from("it's")), Just(Value::from(3)), Just(Value::Null)]
        .prop_map(move |value| (ty.clone(), value))
}

/// Numbers and nothing inside a literal survive JSON, but not XML, in which all values are text.
fn text_literal() -> impl Strategy<Value = Typed> {
    let ty = Type::literal(["a b", "it's"]);
    prop_oneof![Just("a b"), Just("it's")].prop_map(move |value| (ty.clone(), Value::from(value)))
}

/// Types without other types in them.
fn leaf() -> impl Strategy<Value = Typed> {
    prop_oneof![
        integer().prop_map(|value| (Type::Int, value)),
        float().prop_map(|value| (Type::Float, value)),
        any::<bool>().prop_map(|value| (Type::Bool, Value::from(value))),
        date(),
        date_time(),
        enumeration(),
        text_literal(),
    ]
}

/// Any type with text inside drawn from `text`.
pub(crate) fn typed(text: BoxedStrategy<String>) -> impl Strategy<Value = Typed> {
    let text = text.prop_map(|text| (Type::Str, Value::from(text)));
    prop_oneof![leaf(), text, literal()].prop_recursive(3, 12, 3, containers_and_tuples)
}

/// As [`typed`], of what XML can tell apart.
pub(crate) fn typed_in_xml() -> impl Strategy<Value = Typed> {
    let text = words().prop_map(|text| (Type::Str, Value::from(text)));
    prop_oneof![leaf(), text].prop_recursive(3, 12, 3, containers)
}

/// As [`typed`], with text that JSON has to escape.
pub(crate) fn typed_in_json() -> impl Strategy<Value = Typed> {
    containers_and_tuples(typed(awkward_text().boxed()).boxed())
}

fn containers(inner: BoxedStrategy<Typed>) -> BoxedStrategy<Typed> {
    let list = inner.clone().prop_map(|(ty, value)| (Type::list(ty), Value::List(vec![value])));
    let empty = inner.clone().prop_map(|(ty, _)| (Type::list(ty), Value::List(vec![])));
    let dict = (words(), inner.clone())
        .prop_map(|(key, (ty, value))| (Type::dict(Type::Str, ty), Value::Map(Map::from_iter([(key, value)]))));
    // A set of integers, in the order that reading gives.
    let set = proptest::collection::btree_set(any::<i32>(), 0..4)
        .prop_map(|items| (Type::set(Type::Int), Value::from(items.into_iter().collect::<Vec<_>>())));
    let model = (inner.clone(), inner.clone()).prop_map(|((first, left), (second, right))| {
        // Models of different fields have different names, as they have in a Python module.
        let name = format!("Pair_{}_{}", first.name(), second.name()).replace(|ch: char| !ch.is_alphanumeric(), "_");
        let model = ModelType::new(name).field("first_part", first).with(ModelField::new("second", second));
        let value = Map::from_iter([("first_part".to_owned(), left), ("second".to_owned(), right)]);
        (Type::Model(Arc::new(model)), Value::Map(value))
    });
    let optional =
        optional(inner, |ty| matches!(ty, Type::Int | Type::Float | Type::Bool | Type::Date | Type::DateTime));
    prop_oneof![list, empty, dict, set, model, optional].boxed()
}

/// Containers and tuples; DSPy's XML has no way to nest in a tuple.
fn containers_and_tuples(inner: BoxedStrategy<Typed>) -> BoxedStrategy<Typed> {
    let tuple = (inner.clone(), inner.clone()).prop_map(|((first, left), (second, right))| {
        (Type::Tuple(vec![first, second]), Value::List(vec![left, right]))
    });
    let optional =
        optional(inner.clone(), |ty| matches!(ty, Type::List(_) | Type::Dict(_) | Type::Model(_) | Type::Tuple(_)));
    prop_oneof![5 => containers(inner), 1 => tuple, 1 => optional].boxed()
}

/// `Optional` of a type that `fits`, or of a number; with the value or with nothing.
///
/// Text does not fit: in DSPy's protocols the text `None` and no text look the same. In XML no list and the empty list do.
fn optional(inner: BoxedStrategy<Typed>, fits: fn(&Type) -> bool) -> impl Strategy<Value = Typed> {
    inner.prop_flat_map(move |(ty, value)| {
        let (ty, value) = if fits(&ty) { (ty, value) } else { (Type::Int, Value::from(7)) };
        prop_oneof![Just((Type::optional(ty.clone()), value)), Just((Type::optional(ty), Value::Null))]
    })
}
