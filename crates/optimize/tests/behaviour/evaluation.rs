//! Evaluations: scores, failures, tables, and metrics that ask a model.

use std::sync::Arc;

use futures::executor::block_on;
use optimize::evaluate::table::Table;
use optimize::metric::judge::{CompleteAndGrounded, LlmJudge, SemanticF1};
use optimize::{Case, Evaluate, Metric, MetricError, OptimizeError, Study, metric};
use predict::{Context, Example, Lm, Predict, Prediction, ScriptedLm, map};

use crate::support::{TaskLm, exact_match, examples, student};

#[test]
fn the_score_is_a_percentage_of_the_examples_in_order() {
    block_on(async {
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).concurrency(4).open().await.unwrap();
        let (devset, metric) = (examples(0..12), exact_match());
        let evaluation = Evaluate::new(&devset, &*metric).run(&student(), &study).await.unwrap();
        // Untold, the model doubles 3, 7 and 11 only; 0 is its own double.
        assert_eq!(evaluation.scores().iter().filter(|score| **score == 1.0).count(), 4);
        assert_eq!(evaluation.score, 33.33);
        let table = Table::new(&devset, &evaluation, "exact").to_csv();
        assert!(table.starts_with(
            "question,example_answer,pred_answer,exact,failure\r\nWhat is 0?,0,0,1,\r\nWhat is 1?,2,1,0,\r\n"
        ));
    });
}

#[test]
fn a_failed_run_gets_the_failure_score_and_the_tenth_is_one_too_many() {
    block_on(async {
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).open().await.unwrap();
        let picky = metric("picky", |_, _| true);
        let program = Predict::new("question -> answer: list[int]").unwrap();
        let (few, many) = (examples(0..9), examples(0..10));
        let evaluate = Evaluate { failure_score: -1.0, ..Evaluate::new(&few, &*picky) };
        let evaluation = evaluate.run(&program, &study).await.unwrap();
        assert_eq!(evaluation.score, -100.0);
        let failure = evaluation.rollouts[0].failure.as_ref().unwrap();
        assert_eq!(failure.class, "AdapterParseError");
        assert!(evaluation.rollouts[0].trace[0].unreadable.is_some(), "what could not be read is kept");
        let failed = Evaluate::new(&many, &*picky).run(&program, &study).await;
        assert!(matches!(failed, Err(OptimizeError::TooManyErrors { count: 10, .. })), "{failed:?}");
    });
}

#[test]
fn a_metric_that_cannot_judge_is_a_failure_with_the_prediction_kept() {
    block_on(async {
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).open().await.unwrap();
        let devset = [Example::new(map! { "question" => "What is 1?" }).with_inputs(["question"])];
        let evaluation = Evaluate::new(&devset, &*exact_match()).run(&student(), &study).await.unwrap();
        let rollout = &evaluation.rollouts[0];
        assert_eq!(rollout.failure.as_ref().unwrap().class, "MetricError");
        assert!(rollout.prediction.is_some());
    });
}

fn judged(metric: &dyn Metric, replies: &[&str], bootstrapping: bool) -> Result<f64, MetricError> {
    let judge = Context::new(Arc::new(ScriptedLm::texts(replies.iter().copied())));
    let example = Example::new(map! { "question" => "Why?", "response" => "Because." }).with_inputs(["question"]);
    let prediction = Prediction::from(map! { "response" => "Just so.", "context" => vec!["It is so."] });
    let case =
        Case { example: &example, prediction: &prediction, trace: &[], bootstrapping, predictor: None, judge: &judge };
    block_on(metric.score(&case)).map(|score| score.value)
}

const RECALL_AND_PRECISION: &str = "[[ ## reasoning ## ]]\nr\n\n[[ ## recall ## ]]\n0.5\n\n[[ ## precision ## ]]\n1.0";

#[test]
fn semantic_f1_is_the_harmonic_mean_of_what_the_judge_says() {
    assert_eq!(judged(&SemanticF1::default(), &[RECALL_AND_PRECISION], false).unwrap(), 2.0 / 3.0);
    assert_eq!(judged(&SemanticF1::default(), &[RECALL_AND_PRECISION], true).unwrap(), 1.0);
    assert_eq!(judged(&SemanticF1::default().with_threshold(0.7), &[RECALL_AND_PRECISION], true).unwrap(), 0.0);
}

#[test]
fn the_decompositional_judge_lists_key_ideas_first() {
    let ideas = "[[ ## ground_truth_key_ideas ## ]]\na\n\n[[ ## system_response_key_ideas ## ]]\nb\n\n";
    let reply = format!("{ideas}[[ ## discussion ## ]]\nc\n\n{RECALL_AND_PRECISION}");
    assert_eq!(judged(&SemanticF1::decompositional(), &[&reply], false).unwrap(), 2.0 / 3.0);
}

#[test]
fn complete_and_grounded_takes_two_judgements() {
    let steps = "[[ ## reasoning ## ]]\nr\n\n[[ ## discussion ## ]]\nd\n\n";
    let ideas = "[[ ## ground_truth_key_ideas ## ]]\na\n\n[[ ## system_response_key_ideas ## ]]\nb\n\n";
    let complete = format!("{steps}{ideas}[[ ## completeness ## ]]\n1.0");
    let grounded = format!("{steps}[[ ## system_response_claims ## ]]\nb\n\n[[ ## groundedness ## ]]\n0.5");
    assert_eq!(judged(&CompleteAndGrounded::default(), &[&complete, &grounded], false).unwrap(), 2.0 / 3.0);
}

#[test]
fn a_judge_that_fails_makes_no_score() {
    let failed = judged(&LlmJudge::new("kind", "Is it kind?"), &[], false);
    assert!(matches!(failed, Err(MetricError::Judge(_))), "{failed:?}");
}
