//! Fields as they grow: whatever the pieces, a listener hears what the whole completion says.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use predict::{
    Adapter, ChatAdapter, Chunk, Context, Event, JsonAdapter, Lm, LmError, LmRequest, LmResponse, LmStream, Map,
    Predict, Update, Value, map,
};
use proptest::prelude::*;

use crate::support::{run, scripted};

/// A model that writes a completion in the given pieces.
struct Typewriter(Vec<String>);

#[async_trait]
impl Lm for Typewriter {
    fn model(&self) -> &str {
        "typewriter"
    }

    async fn complete(&self, _: &LmRequest) -> Result<LmResponse, LmError> {
        Ok(LmResponse::text(self.0.concat()))
    }

    async fn stream(&self, _: &LmRequest) -> Result<LmStream, LmError> {
        let pieces = self.0.iter().cloned().map(|piece| Ok(Chunk::Text(piece))).collect::<Vec<_>>();
        let done = Chunk::Done(LmResponse::text(self.0.concat()));
        Ok(stream::iter(pieces.into_iter().chain([Ok(done)])).boxed())
    }
}

/// What was heard of each field: the joined text, and the last value.
fn heard(pieces: Vec<String>, adapter: impl Adapter + 'static) -> (Map, Map, Option<Map>) {
    let program = Predict::new("question -> title, tags: list[str], note").expect("this is a signature");
    let cx = Context::new(Arc::new(Typewriter(pieces))).with_adapter(adapter);
    let updates: Vec<_> = run(predict::stream(&program, map! {"question" => "?"}, &cx).collect());
    let (mut texts, mut values, mut outcome) = (Map::new(), Map::new(), None);
    for update in updates {
        match update {
            Update::Event(Event::FieldText { field, text, .. }) => {
                let so_far = texts.get(&field).and_then(Value::as_str).unwrap_or_default().to_owned();
                texts.insert(field, (so_far + &text).into());
            }
            Update::Event(Event::FieldDone { field, value, .. }) => drop(values.insert(field, value)),
            Update::Event(_) => {}
            Update::Done(finished) => outcome = finished.outcome.ok().map(|prediction| prediction.values),
        }
    }
    (texts, values, outcome)
}

/// Cuts a text into pieces of the given lengths in characters, again and again.
fn cut(text: &str, lengths: &[usize]) -> Vec<String> {
    let mut rest = text.chars().peekable();
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.peek().is_none() {
            break;
        }
        pieces.push(rest.by_ref().take(*length).collect());
    }
    pieces
}

/// Text that the protocol may stumble over: markers, brackets, line breaks, white space, quotes.
fn awkward_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[[ ## "),
        Just("note"),
        Just(" ## ]]"),
        Just("[["),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("\t"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("«é🚀»"),
        Just("\""),
        Just("\\"),
        Just("}"),
        Just("a b"),
        Just("# ]"),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn sections_heard_in_pieces_are_the_sections_read_whole(
        title in awkward_text(),
        tags in prop::collection::vec("[a-z]{0,3}", 0..3),
        note in awkward_text(),
        lengths in prop::collection::vec(1usize..9, 1..5),
    ) {
        let tags = predict::python::json::dumps(&Value::from(tags));
        let completion = format!("Sure.\n[[ ## title ## ]]\n{title}\n\n[[ ## tags ## ]]\n{tags}\n[[ ## note ## ]] {note}\n[[ ## completed ## ]]");
        let adapter = ChatAdapter { json_fallback: false, ..ChatAdapter::default() };
        let (texts, values, outcome) = heard(cut(&completion, &lengths), adapter);
        if let Some(outcome) = outcome {
            prop_assert_eq!(&values, &outcome);
            for field in ["title", "note"] {
                let text = texts.get(field).cloned().unwrap_or_else(|| "".into());
                prop_assert_eq!(Some(&text), outcome.get(field));
            }
        }
    }

    #[test]
    fn members_heard_in_pieces_are_the_members_read_whole(
        title in awkward_text(),
        tags in prop::collection::vec(awkward_text(), 0..3),
        note in awkward_text(),
        lengths in prop::collection::vec(1usize..9, 1..5),
        indented in any::<bool>(),
    ) {
        let object = Value::Map(map! {"title" => title.as_str(), "extra" => 7, "tags" => tags, "note" => note.as_str()});
        let json = if indented { predict::python::json::dumps_indented(&object) } else { predict::python::json::dumps(&object) };
        let completion = format!("```json\n{json}\n```");
        let (texts, values, outcome) = heard(cut(&completion, &lengths), JsonAdapter::default());
        let outcome = outcome.expect("strict JSON can be read");
        prop_assert_eq!(&values, &outcome);
        for field in ["title", "note"] {
            let text = texts.get(field).cloned().unwrap_or_else(|| "".into());
            prop_assert_eq!(Some(&text), outcome.get(field));
        }
    }

    #[test]
    fn no_completion_however_broken_silences_the_outcome(
        completion in "[\\[\\]{}\",:# a-d\\\\u0-9\n]{0,60}",
        lengths in prop::collection::vec(1usize..9, 1..5),
    ) {
        let (_, values, outcome) = heard(cut(&completion, &lengths), JsonAdapter::default());
        if let Some(outcome) = outcome {
            prop_assert_eq!(&values, &outcome);
        }
        let (_, values, outcome) = heard(cut(&completion, &lengths), ChatAdapter::default());
        if let Some(outcome) = outcome {
            prop_assert_eq!(&values, &outcome);
        }
    }
}

#[test]
fn escaped_characters_arrive_whole() {
    let object = r#"{"title": "caf\u00e9 \ud83d\ude80\n", "tags": [], "note": ""}"#;
    let (texts, ..) = heard(cut(object, &[1]), JsonAdapter::default());
    assert_eq!(texts["title"], Value::from("café 🚀\n"));
}

#[test]
fn a_structured_field_is_told_before_the_next_one_is_written() {
    let pieces = ["[[ ## title ## ]]\nDune\n[[ ## tags ## ]]\n[\"sand\"]\n[[ ## note ## ]]\n", "and more"];
    let program = Predict::new("question -> title, tags: list[str], note").expect("this is a signature");
    let cx = Context::new(Arc::new(Typewriter(pieces.map(str::to_owned).to_vec())));
    let updates: Vec<_> = run(predict::stream(&program, map! {"question" => "?"}, &cx).collect());
    let position = |wanted: Event| updates.iter().position(|update| *update == Update::Event(wanted.clone()));
    let tags = Event::FieldDone { predictor: "self".into(), field: "tags".into(), value: Value::from(vec!["sand"]) };
    let note = Event::FieldText { predictor: "self".into(), field: "note".into(), text: "and more".into() };
    assert!(position(tags).is_some_and(|tags| position(note).is_some_and(|note| tags < note)));
}

#[test]
fn nothing_that_was_told_is_taken_back_by_a_second_call_through_another_adapter() {
    let (lm, cx) = scripted(&["[[ ## title ## ]]\nDune", r#"{"title": "Emma"}"#]);
    let program = Predict::new("question -> title, year: int").expect("this is a signature");
    let updates: Vec<_> = run(predict::stream(&program, map! {"question" => "?"}, &cx).collect());
    assert!(matches!(updates.last(), Some(Update::Done(finished)) if finished.outcome.is_err()));
    assert_eq!(lm.requests().len(), 1);
}
