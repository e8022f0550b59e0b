//! Several attempts at one thing.

use std::sync::Arc;

use async_trait::async_trait;
use predict::{
    BestOfN, CallError, Context, Embedder, Example, Knn, LmError, LmErrorKind, LmResponse, Map, Parallel, Predict,
    Prediction, Refine, ScriptedLm, Value, cancellation, map,
};

use crate::support::{answer, run, scripted, section};

fn qa() -> Predict {
    Predict::new("question -> answer").expect("this is a signature")
}

fn brevity(_: &Map, prediction: &Prediction) -> f64 {
    -(prediction.text("answer").map_or(usize::MAX, str::len) as f64)
}

#[test]
fn the_trace_of_several_attempts_is_that_of_the_best_one_but_all_are_paid_for() {
    let (lm, cx) = scripted(&[&answer("four, I think"), &answer("4"), &answer("it is 4")]);
    let best = BestOfN::new(qa(), 3, brevity, 0.0);
    let finished = run(cx.run(&best, map! {"question" => "2+2?"}));
    assert_eq!(finished.outcome.expect("there is a best one").text("answer"), Some("4"));
    assert_eq!(finished.trace.len(), 1);
    assert_eq!(finished.trace[0].predictor, "module");
    assert_eq!(finished.usage["scripted"].prompt_tokens, 30);
    let rollouts: Vec<_> = lm.requests().iter().map(|request| request.settings.integer("rollout_id")).collect();
    assert_eq!(rollouts, [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_spent_budget_ends_all_attempts_at_once() {
    let spent = || Err(LmError::new(LmErrorKind::Budget, "no money left"));
    let lm = Arc::new(ScriptedLm::new([spent(), Ok(LmResponse::text(answer("4")))]));
    let best = BestOfN::new(qa(), 3, brevity, 0.0);
    let finished = run(Context::new(lm.clone()).run(&best, map! {"question" => "2+2?"}));
    assert!(matches!(finished.outcome, Err(CallError::Lm { source, .. }) if source.kind == LmErrorKind::Budget));
    assert_eq!(lm.requests().len(), 1);
}

#[test]
fn advice_reaches_the_next_attempt_as_a_hint() {
    let advice = section("discussion", "too long") + &section("advice", r#"{"self": "answer with digits only"}"#);
    let (lm, cx) = scripted(&[&answer("four"), &advice, &answer("4")]);
    let refine = Refine::new(qa(), 2, brevity, -1.0).explained("It answers questions.", "Shorter is better.");
    let finished = run(cx.run(&refine, map! {"question" => "2+2?"}));
    assert_eq!(finished.outcome.expect("the second attempt is short").text("answer"), Some("4"));
    let last = lm.requests()[2].messages.last().map(|message| message.to_value()).expect("there is a question");
    let shown = last.get("content").and_then(Value::as_str).expect("the question is text").to_owned();
    assert!(shown.contains("[[ ## hint_ ## ]]\nanswer with digits only"), "{shown}");
    // The hint is advice, not an input: a demo made of this trace must not hold it.
    assert!(!finished.trace[0].inputs.contains_key("hint_"));
}

#[test]
fn calls_in_parallel_keep_their_order_and_end_after_too_many_failures() {
    let (_, cx) = scripted(&[&answer("a"), "no", "no", &answer("c")]);
    let inputs = vec![map! {"question" => "1"}, map! {"question" => "2"}, map! {"question" => "3"}];
    let all = Parallel { concurrency: 1, max_errors: 1 };
    let done = run(all.each(&qa(), inputs.clone(), &cx));
    let told: Vec<_> = done.outcomes.iter().map(|outcome| outcome.as_ref().map(Result::is_ok)).collect();
    assert_eq!(told, [Some(true), Some(false), Some(true)]);

    let (lm, cx) = scripted(&["no", "no", &answer("never asked for")]);
    let done = run(Parallel { concurrency: 1, max_errors: 0 }.each(&qa(), inputs, &cx));
    let told: Vec<_> = done.outcomes.iter().map(|outcome| outcome.as_ref().map(Result::is_ok)).collect();
    assert_eq!(told, [Some(false), None, None]);
    assert_eq!(lm.requests().len(), 2);
}

#[test]
fn a_cancelled_run_ends_while_the_model_is_still_asked() {
    struct Silent;
    #[async_trait]
    impl predict::Lm for Silent {
        fn model(&self) -> &str {
            "silent"
        }
        async fn complete(&self, _: &predict::LmRequest) -> Result<LmResponse, LmError> {
            std::future::pending().await
        }
    }
    let (handle, cancelled) = cancellation();
    let program = BestOfN::new(qa(), 3, brevity, 0.0);
    let cx = Context::new(Arc::new(Silent)).with_cancel(cancelled);
    let asking = cx.run(&program, map! {"question" => "2+2?"});
    let (finished, ()) = run(futures::future::join(asking, async { handle.cancel() }));
    assert_eq!(finished.outcome, Err(CallError::Cancelled));
}

#[test]
fn the_nearest_examples_come_first() {
    struct Lengths;
    #[async_trait]
    impl Embedder for Lengths {
        async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LmError> {
            // The angle of a text is its length, so that the dot product tells how close two lengths are.
            Ok(texts.iter().map(|text| (text.len() as f32 / 40.0).sin_cos()).map(|(sin, cos)| vec![cos, sin]).collect())
        }
    }
    let example =
        |question: &str| Example::new(map! {"question" => question, "answer" => "-"}).with_inputs(["question"]);
    let examples = ["a", "a question of some length", "medium one"].map(example).to_vec();
    let nearest = run(async {
        let knn = Knn::new(2, examples, Arc::new(Lengths)).await?;
        knn.nearest(&map! {"question" => "medium two"}).await
    });
    let questions: Vec<_> =
        nearest.expect("it embeds").iter().map(|example| example.get("question").cloned()).collect();
    assert_eq!(questions, [Some("medium one".into()), Some("a".into())]);
}
