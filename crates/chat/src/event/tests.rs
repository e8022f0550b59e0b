use super::*;

fn event(seq: u64, name: EventName, data: &str) -> Event {
    Event { seq, name, data: data.to_owned() }
}

#[test]
fn a_row_of_events_reads_back_to_the_byte() {
    for events in [
        vec![],
        vec![event(1, EventName::Started, "{}")],
        vec![
            event(7, EventName::Delta, r#"{"text":"a \"quoted\" \\ \u0000 Grüße 🌍"}"#),
            event(8, EventName::Delta, r#"{ "text" : "spaces are kept",  "order":1, "a":1.0e0 }"#),
            event(9, EventName::Completed, r#"{"nested":[["message.delta",{}]]}"#),
        ],
    ] {
        let first_seq = events.first().map_or(0, |event| event.seq);
        assert_eq!(unpack(first_seq, &pack(&events)).unwrap(), events);
    }
}

#[test]
fn a_row_that_is_none_is_an_error() {
    for row in ["", "{}", r#"[["message.delta"]]"#, r#"[["message.shrunk",{}]]"#, r#"[["message.delta",{}]"#] {
        assert!(unpack(1, row).is_err(), "{row}");
    }
}

#[test]
fn deltas_put_together_are_the_text() {
    let words = ["Grüße", " 🌍\n", "\u{0}\"\\", ""];
    let mut events: Vec<Event> = words.iter().zip(2..).map(|(word, seq)| delta(seq, word)).collect();
    events.insert(0, event(1, EventName::Started, r#"{"text":"not a delta"}"#));
    assert_eq!(text_of(&events).unwrap(), words.concat());
}

#[test]
fn names_read_back_and_only_three_are_last() {
    for (name, is_last) in
        [("started", false), ("delta", false), ("completed", true), ("cancelled", true), ("failed", true)]
    {
        let name = format!("message.{name}");
        let read: EventName = name.parse().unwrap();
        assert_eq!((<&str>::from(read), read.is_last()), (&*name, is_last));
    }
    assert!("started".parse::<EventName>().is_err());
}
