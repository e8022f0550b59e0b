//! What each optimizer makes of a task on which there is something to gain.

use std::sync::Arc;

use futures::executor::block_on;
use optimize::gepa::Effort;
use optimize::mipro::Size;
use optimize::{
    BootstrapFewShot, BootstrapFewShotWithRandomSearch, Copro, Extras, Gepa, InferRules, Journal, KnnFewShot,
    LabeledFewShot, MemoryJournal, MiproV2, OptimizeError, Optimizer, Outcome, Program, Simba, Study, Teacher, metric,
};
use predict::{Context, Embedder, Lm, Module, Predict, map, named_predictors};

use crate::support::{self, Recorder, TaskLm, TwoStep, exact_match, examples, student, told};

fn compile<P: Program>(optimizer: &impl Optimizer<P>, student: &P, concurrency: usize) -> Outcome<P> {
    block_on(async {
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).concurrency(concurrency).open().await.unwrap();
        let (trainset, valset) = (examples(0..12), examples(12..30));
        optimizer.compile(student, &trainset, Extras::from(valset.as_slice()), &study).await.unwrap()
    })
}

fn instructions<P: Program>(outcome: &Outcome<P>, predictor: usize) -> String {
    named_predictors(&outcome.program)[predictor].1.signature().instructions()
}

#[test]
fn random_search_prefers_demonstrations_when_they_help() {
    let optimizer = BootstrapFewShotWithRandomSearch {
        num_candidate_programs: 3,
        ..BootstrapFewShotWithRandomSearch::new(exact_match())
    };
    let outcome = compile(&optimizer, &student(), 1);
    let origins: Vec<&str> = outcome.candidates.iter().map(|candidate| candidate.origin.as_str()).collect();
    assert_eq!(origins, ["seed -3", "seed -2", "seed -1", "seed 0", "seed 1", "seed 2"]);
    assert!(outcome.score > outcome.candidates[0].score);
    assert_eq!(outcome.ranking()[0], outcome.best);
}

#[test]
fn copro_finds_the_instruction_that_doubles() {
    let outcome = compile(&Copro { breadth: 3, depth: 2, ..Copro::new(exact_match()) }, &student(), 1);
    assert!(instructions(&outcome, 0).contains("double"), "{}", instructions(&outcome, 0));
    assert_eq!(outcome.score, Some(100.0));
}

#[test]
fn mipro_finds_the_instruction_that_doubles() {
    let size = Size::Exactly { candidates: 4, trials: 12, minibatch: true };
    let optimizer = MiproV2 { size, minibatch_size: 6, ..MiproV2::new(exact_match()) };
    let outcome = compile(&optimizer, &student(), 1);
    assert_eq!(outcome.score, Some(100.0));
    assert!(outcome.candidates[outcome.best].complete);
    assert!(outcome.candidates.iter().any(|candidate| !candidate.complete), "trials on minibatches are kept as well");
}

#[test]
fn gepa_rewrites_by_reflection_and_knows_where_candidates_come_from() {
    let optimizer = Gepa::new(exact_match(), Effort::MetricCalls(120));
    let outcome = compile(&optimizer, &TwoStep::new(), 1);
    assert_eq!(outcome.score, Some(100.0));
    assert!(instructions(&outcome, 1).contains("double"));
    assert!(!outcome.candidates[outcome.best].parents.is_empty());
}

#[test]
fn gepa_shows_the_feedback_of_the_metric_to_the_reflecting_model() {
    let lm = TaskLm::reliable();
    let asked = Arc::new(Recorder::new(lm));
    let explained = metric("explained", |example, prediction| {
        let passed = example.get("answer") == prediction.get("answer");
        optimize::Score::from(passed).because("the number was to be doubled")
    });
    block_on(async {
        let study = Study::on(Arc::clone(&asked) as Arc<dyn Lm>).open().await.unwrap();
        let optimizer = Gepa::new(explained, Effort::MetricCalls(20));
        optimizer.compile(&student(), &examples(0..6), Extras::default(), &study).await.unwrap();
    });
    assert!(asked.texts().iter().any(|text| {
        text.contains("## Feedback\nthe number was to be doubled") && text.contains("### question\nWhat is ")
    }));
}

#[test]
fn simba_adds_advice_or_demonstrations() {
    let optimizer = Simba { bsize: 6, num_candidates: 3, max_steps: 3, ..Simba::new(exact_match()) };
    let outcome = compile(&optimizer, &student(), 1);
    assert!(outcome.score > outcome.candidates[0].score, "{}", told(&outcome));
}

#[test]
fn infer_rules_appends_rules_to_the_instructions() {
    let optimizer = InferRules { num_candidates: 2, ..InferRules::new(BootstrapFewShot::new(exact_match())) };
    let outcome = compile(&optimizer, &student(), 1);
    let instructions = instructions(&outcome, 0);
    assert!(instructions.starts_with("Given the fields `question`, produce the fields `answer`.\n\nPlease adhere to"));
    assert!(instructions.contains("1. Always double."));
}

#[test]
fn results_do_not_depend_on_how_many_examples_run_at_once() {
    let gepa = Gepa::new(exact_match(), Effort::MetricCalls(120));
    assert_eq!(told(&compile(&gepa, &TwoStep::new(), 1)), told(&compile(&gepa, &TwoStep::new(), 7)));
    let simba = Simba { bsize: 6, num_candidates: 3, max_steps: 2, ..Simba::new(exact_match()) };
    assert_eq!(told(&compile(&simba, &student(), 1)), told(&compile(&simba, &student(), 7)));
}

#[test]
fn a_boxed_program_is_a_program() {
    let boxed: Box<dyn Module> = Box::new(TwoStep::new());
    let outcome = compile(&LabeledFewShot::new(2), &boxed, 1);
    assert!(named_predictors(&outcome.program).into_iter().all(|(_, predictor)| predictor.demos.len() == 2));
}

#[test]
fn a_teacher_of_another_structure_is_refused() {
    block_on(async {
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).open().await.unwrap();
        let teacher = Teacher { program: Predict::new("question -> reply").unwrap(), compiled: false };
        let extras = Extras { teacher: Some(&teacher), ..Extras::default() };
        let refused = BootstrapFewShot::new(exact_match()).compile(&student(), &examples(0..3), extras, &study).await;
        assert!(matches!(refused, Err(OptimizeError::Mismatch(_))), "{refused:?}");
    });
}

#[test]
fn a_compiled_teacher_keeps_its_own_demonstrations() {
    block_on(async {
        let asked = Arc::new(Recorder::new(TaskLm::reliable()));
        let study = Study::on(Arc::clone(&asked) as Arc<dyn Lm>).open().await.unwrap();
        let program = student().with_demos(examples(500..501));
        let teacher = Teacher { program, compiled: true };
        let extras = Extras { teacher: Some(&teacher), ..Extras::default() };
        BootstrapFewShot::new(exact_match()).compile(&student(), &examples(0..3), extras, &study).await.unwrap();
        assert!(asked.texts().iter().all(|text| !text.contains("What is 1?") || text.contains("What is 500?")));
    });
}

/// Each predictor needs to be told something, but telling the first alone makes one example worse: the student stays on
/// the front, and with this seed its two children each improve one predictor.
#[test]
fn gepa_merges_candidates_that_improved_different_predictors() {
    let halves = metric("halves", |example, prediction| {
        let told = |field: &str| prediction.text(field) == Some("told");
        let hard = example.get("answer").is_some_and(|answer| answer == &predict::Value::from("2"));
        match (hard, told("first"), told("second")) {
            (true, _, true) | (false, true, _) => 1.0,
            (true, false, false) => 0.5,
            _ => 0.0,
        }
    });
    let optimizer = Gepa { seed: 4, ..Gepa::new(halves, Effort::MetricCalls(60)) };
    let outcome = block_on(async {
        let study = Study::on(Arc::new(support::PairLm) as Arc<dyn Lm>).open().await.unwrap();
        optimizer.compile(&support::Pair::new(), &examples(0..4), Extras::default(), &study).await.unwrap()
    });
    let merged = &outcome.candidates[outcome.best];
    assert!(merged.origin.starts_with("merge of"), "{}", told(&outcome));
    assert_eq!((merged.score, merged.parents.len()), (Some(100.0), 2));
}

#[test]
fn neighbours_demonstrate_and_the_trainset_is_embedded_once() {
    let (embedder, journal) = (Arc::new(support::Lengths::default()), Arc::new(MemoryJournal::default()));
    let trainset = examples(97..103);
    let optimizer = KnnFewShot {
        k: 2,
        embedder: Arc::clone(&embedder) as Arc<dyn Embedder>,
        bootstrap: BootstrapFewShot { max_labeled_demos: 2, ..BootstrapFewShot::new(exact_match()) },
    };
    block_on(async {
        for _ in 0..2 {
            let journal = Arc::clone(&journal) as Arc<dyn Journal>;
            let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).journal(journal).open().await.unwrap();
            optimizer.compile(&student(), None, &trainset, &study).await.unwrap();
        }
        assert_eq!(embedder.calls(), 1, "the second attempt knows the vectors from the journal");
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).open().await.unwrap();
        let program = optimizer.compile(&student(), None, &trainset, &study).await.unwrap();
        let asked = Arc::new(Recorder::new(TaskLm::reliable()));
        let cx = Context::new(Arc::clone(&asked) as Arc<dyn Lm>);
        program.forward(map! { "question" => "What is 9?" }, &cx).await.unwrap();
        // The embedder only knows lengths, so that the questions with two digits are the nearest.
        let texts = asked.texts();
        let last = texts.last().unwrap();
        assert!(last.contains("What is 9?") && last.contains("What is 98?") && last.contains("What is 99?"), "{last}");
        assert!(!last.contains("What is 10"), "{last}");
    });
}
