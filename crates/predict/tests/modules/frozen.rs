//! What is not to be learned: frozen modules and frozen parts of prompts.

use predict::saved::{load_dspy, save_dspy};
use predict::{Example, FrozenParts, Module, Predict, Value, map};

use crate::support::{answer, run, scripted};

fn guarded() -> Predict {
    let pinned = Example::new(map! {"question" => "Who are you?", "answer" => "A clerk."});
    Predict::new("question -> answer").expect("this is a signature").with_frozen(FrozenParts {
        preamble: Some("You work for a bank.".into()),
        postscript: Some("Never promise interest rates.".into()),
        demos: vec![pinned],
    })
}

#[test]
fn frozen_parts_stand_around_what_is_learned() {
    let mut predict = guarded();
    predict.set_instructions("Answer briefly.");
    predict.demos = vec![Example::new(map! {"question" => "Open?", "answer" => "Yes."})];
    let (lm, cx) = scripted(&[&answer("4")]);
    run(predict.forward(map! {"question" => "2+2?"}, &cx)).expect("it is scripted");
    let messages: Vec<_> = lm.requests()[0].messages.iter().map(|message| message.to_value()).collect();
    let content = |index: usize| messages[index].get("content").and_then(Value::as_str).unwrap_or_default().to_owned();
    let task = "        You work for a bank.\n        \n        Answer briefly.\n        \n        Never promise interest rates.";
    assert!(content(0).ends_with(task), "{}", content(0));
    assert!(content(1).contains("Who are you?") && content(3).contains("Open?"));
    // What an optimizer sees is only what it may change.
    assert_eq!(predict.signature().instructions(), "Answer briefly.");
}

#[test]
fn dspy_sees_the_whole_prompt_and_what_is_frozen_is_not_doubled_on_the_way_back() {
    let mut predict = guarded();
    predict.set_instructions("Answer briefly.");
    predict.demos = vec![Example::new(map! {"question" => "Open?", "answer" => "Yes."})];
    let file = save_dspy(&predict).expect("it can be written");
    let mut in_dspy = Predict::new("question -> answer").expect("this is a signature");
    load_dspy(&mut in_dspy, &file).expect("it is the same predictor");
    assert_eq!((in_dspy.signature(), &in_dspy.demos), (&predict.full_signature(), &predict.full_demos()));

    let mut back = guarded();
    load_dspy(&mut back, &file).expect("it is the same predictor");
    assert_eq!((back.signature(), &back.demos), (predict.signature(), &predict.demos));
    assert_eq!(save_dspy(&back).expect("it can be written"), file);
}
