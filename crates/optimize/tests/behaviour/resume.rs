//! A study that is cut off at any point goes on where it stopped, pays for nothing twice and ends the same.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::executor::block_on;
use optimize::gepa::Effort;
use optimize::mipro::Size;
use optimize::{
    BootstrapFewShot, BootstrapFewShotWithRandomSearch, Copro, Evaluate, Extras, Gepa, InferRules, Journal,
    JournalError, MemoryJournal, MiproV2, OptimizeError, Optimizer, Outcome, Program, Simba, Study,
};
use predict::{Lm, ScriptedLm};

use crate::support::{FailingJournal, TaskLm, TwoStep, exact_match, examples, student, told, until_crash};

async fn compile<P: Program>(
    optimizer: &dyn Optimizer<P>,
    student: &P,
    lm: Arc<TaskLm>,
    journal: Arc<dyn Journal>,
    concurrency: usize,
) -> Result<Outcome<P>, OptimizeError> {
    let study = Study::on(lm as Arc<dyn Lm>).journal(journal).concurrency(concurrency).open().await?;
    let (trainset, valset) = (examples(0..4), examples(4..8));
    optimizer.compile(student, &trainset, Extras::from(valset.as_slice()), &study).await
}

/// Crashes at every call in turn; where several examples run at once, at some.
fn survives_crashes<P: Program>(optimizer: &dyn Optimizer<P>, student: &P, concurrency: usize) {
    let lm = TaskLm::reliable();
    let whole = block_on(compile(optimizer, student, Arc::clone(&lm), Arc::new(MemoryJournal::default()), 1)).unwrap();
    let (expected, calls) = (told(&whole), lm.answered());
    assert!(calls > 10, "{calls} calls are not much of a test");
    for crash_at in (1..=calls).step_by(if concurrency == 1 { 1 } else { 5 }) {
        let journal = Arc::new(MemoryJournal::default());
        let (first, crashed) = TaskLm::crashing_at(crash_at);
        let run =
            compile(optimizer, student, Arc::clone(&first), Arc::clone(&journal) as Arc<dyn Journal>, concurrency);
        assert!(until_crash(run, crashed).is_none(), "call {crash_at} was to crash");
        let second = TaskLm::reliable();
        let run =
            compile(optimizer, student, Arc::clone(&second), Arc::clone(&journal) as Arc<dyn Journal>, concurrency);
        let resumed = block_on(run).unwrap();
        assert_eq!(told(&resumed), expected, "crash at call {crash_at}");
        assert_eq!(first.answered() + second.answered(), calls, "crash at call {crash_at}");
        assert_eq!(resumed.spend.calls, calls as u64);
        assert_eq!(resumed.spend.paid(), second.answered() as u64);
    }
}

/// Crashes after each single call, until there is nothing left to call.
fn survives_a_crash_after_every_call<P: Program>(optimizer: &dyn Optimizer<P>, student: &P) {
    let lm = TaskLm::reliable();
    let whole = block_on(compile(optimizer, student, Arc::clone(&lm), Arc::new(MemoryJournal::default()), 1)).unwrap();
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let mut answered = 0;
    loop {
        let (lm, crashed) = TaskLm::crashing_at(2);
        let run = compile(optimizer, student, Arc::clone(&lm), Arc::clone(&journal), 1);
        let done = until_crash(run, crashed);
        answered += lm.answered();
        if let Some(outcome) = done {
            assert_eq!(told(&outcome.unwrap()), told(&whole));
            break;
        }
    }
    assert_eq!(answered, lm.answered());
}

fn random_search() -> BootstrapFewShotWithRandomSearch {
    BootstrapFewShotWithRandomSearch {
        num_candidate_programs: 1,
        max_rounds: 2,
        ..BootstrapFewShotWithRandomSearch::new(exact_match())
    }
}

fn mipro() -> MiproV2 {
    let size = Size::Exactly { candidates: 3, trials: 4, minibatch: true };
    MiproV2 { size, minibatch_size: 3, minibatch_full_eval_steps: 2, ..MiproV2::new(exact_match()) }
}

fn simba() -> Simba {
    Simba { bsize: 3, num_candidates: 2, max_steps: 2, ..Simba::new(exact_match()) }
}

#[test]
fn random_search_survives_a_crash_at_every_call() {
    survives_crashes(&random_search(), &TwoStep::new(), 1);
    survives_crashes(&random_search(), &student(), 3);
    survives_a_crash_after_every_call(&random_search(), &student());
}

#[test]
fn copro_survives_a_crash_at_every_call() {
    let copro = Copro { breadth: 3, depth: 2, ..Copro::new(exact_match()) };
    survives_crashes(&copro, &student(), 1);
    survives_crashes(&copro, &student(), 4);
}

#[test]
fn mipro_survives_a_crash_at_every_call() {
    survives_crashes(&mipro(), &student(), 1);
    survives_crashes(&mipro(), &student(), 4);
    survives_a_crash_after_every_call(&mipro(), &student());
}

#[test]
fn simba_survives_a_crash_at_every_call() {
    survives_crashes(&simba(), &student(), 1);
    survives_crashes(&simba(), &student(), 4);
}

#[test]
fn gepa_survives_a_crash_at_every_call() {
    let gepa = Gepa::new(exact_match(), Effort::MetricCalls(28));
    survives_crashes(&gepa, &TwoStep::new(), 1);
    survives_crashes(&gepa, &student(), 3);
    survives_a_crash_after_every_call(&gepa, &student());
}

#[test]
fn infer_rules_survives_a_crash_at_every_call() {
    let rules = InferRules { num_candidates: 2, ..InferRules::new(BootstrapFewShot::new(exact_match())) };
    survives_crashes(&rules, &student(), 1);
}

#[test]
fn a_journal_that_fails_stops_the_study_and_loses_the_answers_under_way_at_most() {
    let lm = TaskLm::reliable();
    let whole =
        block_on(compile(&mipro(), &student(), Arc::clone(&lm), Arc::new(MemoryJournal::default()), 1)).unwrap();
    let mut fail_at = 0;
    loop {
        fail_at += 1;
        let inner = Arc::new(MemoryJournal::default());
        let failing = FailingJournal { inner: Arc::clone(&inner), fail_at, appends: AtomicUsize::new(0) };
        let first = TaskLm::reliable();
        let failed = block_on(compile(&mipro(), &student(), Arc::clone(&first), Arc::new(failing), 3));
        if failed.is_ok() {
            break;
        }
        assert!(
            matches!(&failed, Err(OptimizeError::Journal(error)) if matches!(**error, JournalError::Unavailable(_))),
            "append {fail_at}: {failed:?}"
        );
        let second = TaskLm::reliable();
        let resumed = block_on(compile(&mipro(), &student(), Arc::clone(&second), inner, 1)).unwrap();
        assert_eq!(told(&resumed), told(&whole), "append {fail_at}");
        let lost = first.answered() + second.answered() - lm.answered();
        assert!(lost <= 3, "append {fail_at} lost {lost} answers");
    }
    assert!(fail_at > lm.answered(), "every answer is an append");
}

#[test]
fn a_journal_of_other_settings_is_refused() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    block_on(compile(&random_search(), &student(), TaskLm::reliable(), Arc::clone(&journal), 1)).unwrap();
    let other = BootstrapFewShotWithRandomSearch { max_labeled_demos: 2, ..random_search() };
    let refused = block_on(compile(&other, &student(), TaskLm::reliable(), journal, 1));
    let told =
        matches!(&refused, Err(OptimizeError::Journal(error)) if matches!(**error, JournalError::OfAnotherRun { .. }));
    assert!(told, "{refused:?}");
}

#[test]
fn a_journal_of_another_model_is_refused() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let (devset, metric) = (examples(0..3), exact_match());
    let evaluate = async |lm: Arc<dyn Lm>| {
        let study = Study::on(lm).journal(Arc::clone(&journal)).open().await.unwrap();
        Evaluate::new(&devset, &*metric).run(&student(), &study).await
    };
    block_on(evaluate(TaskLm::reliable())).unwrap();
    let refused = block_on(evaluate(Arc::new(ScriptedLm::default())));
    assert!(matches!(refused, Err(OptimizeError::Journal(_))), "{refused:?}");
}

#[test]
fn a_finished_study_is_told_again_without_a_single_call() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let first = block_on(compile(&simba(), &student(), TaskLm::reliable(), Arc::clone(&journal), 1)).unwrap();
    let lm = TaskLm::reliable();
    let again = block_on(compile(&simba(), &student(), Arc::clone(&lm), journal, 1)).unwrap();
    assert_eq!((told(&again), lm.answered()), (told(&first), 0));
}

#[test]
fn an_evaluation_goes_on_where_it_stopped() {
    let (devset, metric) = (examples(0..20), exact_match());
    let journal = Arc::new(MemoryJournal::default());
    let evaluate = async |lm: Arc<TaskLm>| {
        let study =
            Study::on(lm as Arc<dyn Lm>).journal(Arc::clone(&journal) as Arc<dyn Journal>).open().await.unwrap();
        Evaluate::new(&devset, &*metric).run(&student(), &study).await.unwrap()
    };
    let (first, crashed) = TaskLm::crashing_at(14);
    assert!(until_crash(evaluate(first), crashed).is_none());
    let second = TaskLm::reliable();
    assert_eq!(block_on(evaluate(Arc::clone(&second))).rollouts.len(), 20);
    assert_eq!(second.answered(), 7, "13 of the 20 were paid for before the crash");
}
