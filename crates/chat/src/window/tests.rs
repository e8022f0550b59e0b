use super::*;

/// A history of exchanges, each `(question, answer)`.
fn history(exchanges: &[(&str, &str)]) -> Vec<Exchange> {
    let exchange =
        |(question, answer): &(&str, &str)| Exchange { question: (*question).to_owned(), answer: (*answer).to_owned() };
    exchanges.iter().map(exchange).collect()
}

fn asked(
    instructions: Option<&str>,
    history: &[Exchange],
    message: &str,
    context_tokens: u64,
) -> Result<String, TooLong> {
    let messages = window(instructions, history, message, context_tokens)?;
    let texts =
        messages.iter().map(|message| message.content.as_ref().map(|content| content.text()).unwrap_or_default());
    Ok(texts.collect::<Vec<_>>().join("|"))
}

#[test]
fn the_newest_exchanges_that_fit_are_kept_whole() {
    let past = history(&[("qa", "aa"), ("qb", "ab"), ("qc", "ac")]);
    // Each of these texts is one token and four for the message; three quarters of the context are for the question.
    for (context_tokens, expected) in [
        (1000, Ok("rule|qa|aa|qb|ab|qc|ac|now")),
        (53, Ok("rule|qa|aa|qb|ab|qc|ac|now")),
        (52, Ok("rule|qb|ab|qc|ac|now")),
        (39, Ok("rule|qb|ab|qc|ac|now")),
        (38, Ok("rule|qc|ac|now")),
        (13, Ok("rule|now")),
        (12, Err(TooLong)),
        (0, Err(TooLong)),
    ] {
        let messages = asked(Some("rule"), &past, "now", context_tokens);
        assert_eq!(messages, expected.map(str::to_owned), "{context_tokens} tokens");
    }
}

#[test]
fn one_long_exchange_hides_what_came_before_it() {
    let long = "x".repeat(4000);
    let past = history(&[("qa", "aa"), ("qb", &long), ("qc", "ac")]);
    assert_eq!(asked(None, &past, "now", 100).unwrap(), "qc|ac|now");
}

#[test]
fn what_is_left_of_the_past_is_half_of_it_and_the_new_message_always() {
    let (long, short) = ("word ".repeat(100), "word");
    for (past, halves) in [
        (&["a", "b", "c", "d"][..], &["c|d", "d", ""][..]),
        (&["a", "b", "c"], &["c", ""]),
        (&["a"], &["", ""]),
        (&[], &["", ""]),
        // Half of what it takes, not of how many they are.
        (&[&*long, short, short], &["word|word", "word"]),
        (&[short, short, &long], &["", ""]),
    ] {
        let exchanges = past.iter().map(|text| Exchange { question: (*text).to_owned(), answer: String::new() });
        let exchanges: Vec<_> = exchanges.collect();
        for instructions in [None, Some("rule")] {
            let mut messages = window(instructions, &exchanges, "now", 10_000).unwrap();
            for left in halves.iter() {
                forget_half(&mut messages);
                let expected: Vec<_> = left.split('|').filter(|text| !text.is_empty()).collect();
                assert_eq!(spoken(&messages), [instructions.as_slice(), &expected, &["now"]].concat(), "{past:?}");
            }
            let mut messages = window(instructions, &exchanges, "now", 10_000).unwrap();
            forget_past(&mut messages);
            assert_eq!(spoken(&messages), [instructions.as_slice(), &["now"]].concat());
        }
    }
}

/// What the instructions and the people say.
fn spoken(messages: &[ChatMessage]) -> Vec<String> {
    let people = messages.iter().filter(|message| message.role != Role::Assistant);
    people.map(|message| message.content.as_ref().map(Content::text).unwrap_or_default()).collect()
}
