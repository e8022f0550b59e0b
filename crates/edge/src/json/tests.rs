//! What is read from JSON, what is refused, and in which words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Order {
    name: String,
    count: u8,
    #[serde(default)]
    price: Option<f64>,
    #[serde(default)]
    is_gift: bool,
    #[serde(default)]
    size: Option<Size>,
    #[serde(default)]
    place: Option<Place>,
    #[serde(default)]
    notes: Vec<Note>,
    #[serde(default)]
    range: Option<(i64, i64)>,
    #[serde(default)]
    labels: BTreeMap<String, i32>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    nothing: (),
    #[serde(default)]
    rest: Value,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Size {
    Small,
    Large,
    Measured { width: u32 },
    Weighed(f32),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Place {
    street: String,
    number: Option<u32>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Note {
    text: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Note>),
}

/// What is wrong with `body` as an order: pointers and what they say.
fn faults_of(body: &str) -> Vec<(String, String)> {
    match parse::<Order>(body.as_bytes()) {
        Ok(order) => panic!("{body} was read as {order:?}"),
        Err(problem) => problem.fields().iter().map(|it| (it.pointer.clone(), it.detail.to_string())).collect(),
    }
}

#[track_caller]
fn check(body: &str, pointer: &str, detail: &str) {
    assert_eq!(faults_of(body), [(pointer.to_owned(), detail.to_owned())], "{body}");
}

/// An order with `field` as it is.
fn order_with(field: &str) -> String {
    format!(r#"{{"name": "tea", "count": 1, {field}}}"#)
}

#[test]
fn an_order_in_all_its_parts_is_read() {
    let body = json!({"name": "tea \u{1f375}\n", "count": 255, "price": 7, "is_gift": true, "size": {"measured": {"width": 3}},
        "place": {"street": "Main", "number": null}, "notes": [{"text": "a"}, {"text": "b"}], "range": [-5, 9_000_000_000_i64],
        "labels": {"a": -1}, "content": [{"text": "c"}], "nothing": null, "rest": {"x": [1, 2.5, "y", null, true]}});
    let order: Order = parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(order.name, "tea \u{1f375}\n");
    assert_eq!((order.count, order.price, order.is_gift), (255, Some(7.0), true));
    assert_eq!(order.size, Some(Size::Measured { width: 3 }));
    assert_eq!(order.place, Some(Place { street: "Main".to_owned(), number: None }));
    assert_eq!((order.notes.len(), order.range), (2, Some((-5, 9_000_000_000))));
    assert_eq!(order.content, Some(Content::Parts(vec![Note { text: "c".to_owned() }])));
    assert_eq!(order.rest, json!({"x": [1, 2.5, "y", null, true]}));
    for (size, expected) in [(r#""small""#, Size::Small), (r#"{"weighed": 2}"#, Size::Weighed(2.0))] {
        let order: Order = parse(order_with(&format!(r#""size": {size}"#)).as_bytes()).unwrap();
        assert_eq!(order.size, Some(expected));
    }
}

#[test]
fn a_value_can_be_taken_as_the_text_that_it_is() {
    #[derive(Deserialize)]
    struct Invocation {
        input: Box<serde_json::value::RawValue>,
    }
    let invocation: Invocation = parse(br#"{"input": {"b": [1, -2, 2.5, "x\n", null, true], "a": {}}}"#).unwrap();
    assert_eq!(invocation.input.get(), r#"{"b":[1,-2,2.5,"x\n",null,true],"a":{}}"#);
}

#[test]
fn only_an_object_is_an_object() {
    for body in ["[]", r#"["tea", 1]"#, "null", "7", r#""x""#, "true", "-1", "1.5", "[[[]]]"] {
        check(body, "", "has to be an object");
    }
    check(&order_with(r#""place": ["Main", 7]"#), "/place", "has to be an object");
    check(&order_with(r#""notes": [{"text": "a"}, ["b"]]"#), "/notes/1", "has to be an object");
    check(&order_with(r#""size": {"measured": [3]}"#), "/size/measured", "has to be an object");
    check(&order_with(r#""labels": []"#), "/labels", "has to be an object");
}

#[test]
fn what_a_value_has_to_be_is_said_in_the_words_of_json() {
    for (field, pointer, detail) in [
        (r#""price": "7""#, "/price", "has to be a number"),
        (r#""is_gift": "yes""#, "/is_gift", "has to be true or false"),
        (r#""is_gift": 0"#, "/is_gift", "has to be true or false"),
        (r#""notes": {}"#, "/notes", "has to be an array"),
        (r#""notes": null"#, "/notes", "has to be an array"),
        (r#""notes": [{"text": 7}]"#, "/notes/0/text", "has to be a string"),
        (r#""notes": [{}]"#, "/notes/0/text", "is required"),
        (r#""range": [1]"#, "/range", "has to be an array of 2 values"),
        (r#""range": [1, 2, 3]"#, "/range", "has to be an array of 2 values"),
        (r#""size": "huge""#, "/size", "has to be one of `small`, `large`, `measured`, `weighed`"),
        (r#""size": 7"#, "/size", "has to be a string or an object"),
        (r#""size": {"small": 1, "large": 2}"#, "/size", "has to be an object with one field"),
        (r#""size": {"small": 1}"#, "/size", "has to be a string"),
        (r#""size": {"measured": {}}"#, "/size/measured/width", "is required"),
        (r#""size": "measured""#, "/size", "has to be an object"),
        (r#""content": 7"#, "/content", "is none of the forms that this can have"),
        (r#""nothing": 7"#, "/nothing", "has to be null"),
        (r#""labels": {"a/b": 2147483648}"#, "/labels/a~1b", "has to be a whole number from -2147483648 to 2147483647"),
        (
            r#""place": {"street": "Main", "number": -1}"#,
            "/place/number",
            "has to be a whole number from 0 to 4294967295",
        ),
    ] {
        check(&order_with(field), pointer, detail);
    }
    for count in ["256", "-1", "7.5", "1e2", "\"7\"", "null", "99999999999999999999999"] {
        let body = format!(r#"{{"name": "tea", "count": {count}}}"#);
        check(&body, "/count", "has to be a whole number from 0 to 255");
    }
    check(r#"{"count": 1}"#, "/name", "is required");
}

#[test]
fn every_unknown_field_is_pointed_to_and_its_content_is_not_looked_at() {
    let body = order_with(r#""x": {"y": 1}, "place": {"street": "Main", "~": []}, "notes": [{"text": "a", "z": 1}]"#);
    let pointers: Vec<String> = faults_of(&body).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/x", "/place/~0", "/notes/0/z"]);
}

/// SplitMix64: the same bodies in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % sides
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.roll(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.roll(2) == 0),
            2 => json!(self.roll(300)),
            3 => json!(-7),
            4 => json!(1.5),
            5 => json!("measured"),
            6 => json!("tea"),
            7 => (0..self.roll(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.roll(3))
                .map(|_| (self.name().to_owned(), self.value(depth - 1)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn name(&mut self) -> &'static str {
        const NAMES: [&str; 18] = [
            "name", "count", "price", "is_gift", "size", "place", "notes", "range", "labels", "content", "nothing",
            "rest", "street", "number", "text", "measured", "weighed", "x",
        ];
        NAMES[usize::try_from(self.roll(18)).unwrap()]
    }
}

#[test]
fn no_problem_speaks_of_rust() {
    let mut dice = Dice(8);
    let mut said = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let mut body = match dice.value(3) {
            Value::Object(fields) => fields,
            other => {
                assert!(parse::<Order>(other.to_string().as_bytes()).is_err(), "{other}");
                continue;
            }
        };
        body.insert("name".to_owned(), json!("tea"));
        body.entry("count").or_insert(json!(1));
        if let Err(problem) = parse::<Order>(Value::Object(body).to_string().as_bytes()) {
            said.extend(problem.fields().iter().map(|it| it.detail.to_string()));
        }
    }
    for detail in &said {
        let words = detail.split(|letter: char| !letter.is_alphanumeric());
        let rust = [
            "struct", "enum", "tuple", "variant", "u8", "i32", "u32", "i64", "f32", "f64", "usize", "serde", "visitor",
            "unit", "Order", "Size", "Place", "Note", "Content", "sequence", "map", "bool", "str",
        ];
        assert!(words.clone().all(|word| !rust.contains(&word)), "{detail}");
    }
    assert!(said.len() >= 12, "the bodies are not hostile enough: {said:?}");
}
