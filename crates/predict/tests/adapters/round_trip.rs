//! What an adapter writes for a demo, it reads back from a completion.

use predict::{
    Adapter, ChatAdapter, Content, Example, Field, JsonAdapter, Map, Role, Signature, Type, Value, XmlAdapter,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::typed_values::{Typed, typed, typed_in_json, typed_in_xml, words};

/// Writes the value as the output of a demo and reads the assistant's message.
fn written_and_read(adapter: &dyn Adapter, (ty, value): &Typed) -> Result<Value, String> {
    let fields = vec![
        Field::input("question", Type::Str),
        Field::output("answer", ty.clone()),
        Field::output("rest", Type::Str),
    ];
    let signature = Signature::new("RoundTrip", None, fields);
    let demo = predict::map! { "question" => "why?", "answer" => value.clone(), "rest" => "the rest" };
    let messages = adapter.format(&signature, &[Example::new(demo)], &Map::new()).map_err(|error| error.to_string())?;
    let assistant = messages.iter().find(|message| message.role == Role::Assistant).ok_or("no demo")?;
    let Content::Text(text) = &assistant.content else { return Err("the demo is no text".into()) };
    let fields = adapter.parse(&signature, text).map_err(|error| error.to_string())?;
    fields.get("answer").cloned().ok_or_else(|| "no answer".to_owned())
}

#[test]
fn infinities_survive_outside_containers() {
    for value in [f64::INFINITY, f64::NEG_INFINITY] {
        for adapter in [&ChatAdapter::default() as &dyn Adapter, &XmlAdapter::default()] {
            assert_eq!(written_and_read(adapter, &(Type::Float, value.into())), Ok(value.into()));
        }
    }
}

/// The same cases on every run: a failure is a failure of the change at hand.
fn seeded() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(3);
    ProptestConfig { cases: 256, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn the_chat_protocol_reads_what_it_writes(typed in typed(words().boxed())) {
        prop_assert_eq!(written_and_read(&ChatAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_chat_protocol_reads_awkward_text_inside_containers(typed in typed_in_json()) {
        prop_assert_eq!(written_and_read(&ChatAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_json_protocol_reads_what_it_writes(typed in typed(words().boxed())) {
        prop_assert_eq!(written_and_read(&JsonAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_json_protocol_reads_awkward_text_inside_containers(typed in typed_in_json()) {
        prop_assert_eq!(written_and_read(&JsonAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_json_protocol_reads_any_text(text in "\\PC{0,40}") {
        let typed = (Type::Str, Value::from(text));
        prop_assert_eq!(written_and_read(&JsonAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_xml_protocol_reads_what_it_writes(typed in typed_in_xml()) {
        prop_assert_eq!(written_and_read(&XmlAdapter::default(), &typed), Ok(typed.1));
    }

    #[test]
    fn the_xml_protocol_reads_any_visible_text(text in "[!-~à-ö]{1,10}( [<>&\"'!-~]{1,10}){0,3}") {
        let typed = (Type::Str, Value::from(text));
        prop_assert_eq!(written_and_read(&XmlAdapter::default(), &typed), Ok(typed.1));
    }
}
