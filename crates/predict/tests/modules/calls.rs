//! One call: settings, errors by stage, corrections, the cache.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use predict::{
    CallError, ChainOfThought, Context, Feedback, JsonAdapter, LmError, LmErrorKind, LmState, MemoryCache, Message,
    Module, Predict, RetryAdvice, ScriptedLm, Settings, Stage, Value, Warning, map,
};

use crate::support::{answer, run, scripted, section};

fn qa() -> Predict {
    Predict::new("question -> answer").expect("this is a signature")
}

fn failing(error: LmError) -> Context {
    Context::new(Arc::new(ScriptedLm::new([Err(error)])))
}

#[test]
fn an_unreadable_answer_is_asked_for_again_as_json() {
    let (lm, cx) = scripted(&["four", r#"{"answer": "4"}"#]);
    let prediction = run(qa().forward(map! {"question" => "2+2?"}, &cx)).expect("the second answer can be read");
    assert_eq!(prediction.text("answer"), Some("4"));
    assert_eq!(lm.requests().len(), 2);
}

#[test]
fn a_failure_of_the_model_is_not_answered_with_another_request() {
    let error =
        LmError { retry_after: Some(Duration::from_secs(7)), ..LmError::new(LmErrorKind::RateLimit, "slow down") };
    let failed = run(qa().forward(map! {"question" => "2+2?"}, &failing(error))).expect_err("the model fails");
    assert_eq!(failed.stage(), Stage::Model);
    assert_eq!(failed.retry(), RetryAdvice::Later(Some(Duration::from_secs(7))));
}

#[test]
fn every_stage_says_whether_a_retry_makes_sense() {
    let (_, cx) = scripted(&["no", "no"]);
    let unreadable = run(qa().forward(map! {"question" => "2+2?"}, &cx)).expect_err("neither answer can be read");
    assert_eq!((unreadable.stage(), unreadable.retry()), (Stage::Completion, RetryAdvice::Resample));
    assert_eq!(unreadable.completion(), Some("no"));

    let wrong_key = failing(LmError::new(LmErrorKind::Auth, "who are you"));
    let refused = run(qa().forward(map! {"question" => "2+2?"}, &wrong_key)).expect_err("the model refuses");
    assert_eq!((refused.stage(), refused.retry()), (Stage::Model, RetryAdvice::Never));

    let (_, cx) = scripted(&[]);
    let cx = cx.with_adapter(JsonAdapter::default());
    let calls = Predict::new("question -> calls: dspy.ToolCalls").expect("this is a signature");
    let impossible = run(calls.forward(map! {"question" => "2+2?"}, &cx)).expect_err("there are no tools to call");
    assert_eq!((impossible.stage(), impossible.retry()), (Stage::Inputs, RetryAdvice::Never));
}

#[test]
fn with_a_budget_the_model_reads_what_was_wrong_instead_of_a_blind_second_call() {
    let (lm, cx) = scripted(&[&section("year", "long ago"), &section("year", "1965")]);
    let dating = Predict::new("book -> year: int").expect("this is a signature").with_feedback(Feedback::new(1));
    let prediction = run(dating.forward(map! {"book" => "Dune"}, &cx)).expect("the correction can be read");
    assert_eq!(prediction["year"], Value::Int(1965));
    let requests = lm.requests();
    let [first, second] = requests.as_slice() else { panic!("two requests were expected, not {}", requests.len()) };
    assert_eq!(second.messages[..first.messages.len()], first.messages[..]);
    let told: Vec<_> = second.messages[first.messages.len()..].iter().map(Message::to_value).collect();
    assert_eq!(told[0].get("content"), Some(&Value::from(section("year", "long ago"))));
    let correction = told[1].get("content").and_then(Value::as_str).expect("the correction is text");
    assert!(correction.contains("`year`"), "{correction}");
}

#[test]
fn the_budget_for_corrections_is_kept() {
    let (lm, cx) = scripted(&[&answer("no"), &answer("still no"), &answer("never asked for")]);
    let polite = Feedback::new(1).check(|_, outputs| match outputs["answer"].as_str() {
        Some(answer) if answer.starts_with("please") => Ok(()),
        _ => Err("begin with please".into()),
    });
    let failed =
        run(qa().with_feedback(polite).forward(map! {"question" => "2+2?"}, &cx)).expect_err("both are refused");
    let expected =
        CallError::Refused { predictor: "StringSignature".into(), attempts: 2, reason: "begin with please".into() };
    assert_eq!(failed, expected);
    assert_eq!(lm.requests().len(), 2);
}

#[test]
fn a_known_request_is_answered_from_the_cache_and_costs_nothing() {
    let (lm, cx) = scripted(&[&answer("4"), &answer("5")]);
    let cx = cx.with_cache(Arc::new(MemoryCache::new(NonZeroUsize::new(8).expect("8 is not zero"))));
    let program = qa();
    let ask = |cx: &Context| run(cx.run(&program, map! {"question" => "2+2?"}));
    let (first, again) = (ask(&cx), ask(&cx));
    assert_eq!(first.outcome, again.outcome);
    assert_eq!((first.usage["scripted"].prompt_tokens, again.usage.len()), (10, 0));
    assert!(again.history[0].cached);
    // Another rollout is another request.
    let other = ask(&cx.clone().with_lm_settings(Settings::new().rollout_id(1)));
    assert_eq!(other.outcome.expect("the script goes on").text("answer"), Some("5"));
    assert_eq!(lm.requests().len(), 2);
}

#[test]
fn settings_are_laid_over_each_other_from_the_model_to_the_call() {
    let lm =
        ScriptedLm::texts([answer("4")]).with_defaults(Settings::new().temperature(0.1).max_tokens(10).set("seed", 1));
    let lm = Arc::new(lm);
    let cx = Context::new(lm.clone()).with_lm_settings(Settings::new().temperature(1.0).rollout_id(5));
    let mut predict = qa().with_config(Settings::new().max_tokens(30).set("seed", Value::Null));
    predict.lm = Some(LmState::new("openai/gpt-4o-mini"));
    run(predict.call_with(map! {"question" => "2+2?"}, &Settings::new().set("top_p", 0.5), &cx))
        .expect("it is scripted");
    let request = &lm.requests()[0];
    let expected = Settings::new().temperature(1.0).max_tokens(30).rollout_id(5).set("top_p", 0.5);
    assert_eq!(request.settings, expected);
    assert_eq!(request.model.as_deref(), Some("openai/gpt-4o-mini"));
}

#[test]
fn a_run_tells_of_the_steps_and_the_cost_even_when_it_fails() {
    let (_, cx) = scripted(&["no", "no"]);
    let program = ChainOfThought::new("question -> answer").expect("this is a signature");
    let failed = run(cx.run(&program, map! {"question" => "2+2?"}));
    assert_eq!(failed.trace.len(), 1);
    assert_eq!(failed.trace[0].predictor, "predict");
    assert_eq!(failed.trace[0].outcome.as_ref().err().and_then(CallError::completion), Some("no"));
    assert_eq!(failed.usage["scripted"].completion_tokens, 10);
    assert_eq!(
        failed.history.iter().map(|exchange| exchange.adapter).collect::<Vec<_>>(),
        ["ChatAdapter", "JSONAdapter"]
    );
}

#[test]
fn missing_and_unknown_inputs_are_warnings() {
    let (_, cx) = scripted(&[&answer("4")]);
    let finished = run(cx.run(&qa(), map! {"questoin" => "2+2?"}));
    let missing = Warning::MissingInput { predictor: "self".into(), field: "question".into() };
    let unknown = Warning::UnknownInput { predictor: "self".into(), field: "questoin".into() };
    assert_eq!(finished.warnings, [missing, unknown]);
    assert!(finished.outcome.is_ok());
}
