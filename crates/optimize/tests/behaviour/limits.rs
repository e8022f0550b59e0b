//! Budgets, failures and events.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::executor::block_on;
use optimize::{
    BootstrapFewShotWithRandomSearch, Budget, Event, Extras, Journal, Limit, MemoryJournal, MiproV2, OptimizeError,
    Optimizer, Outcome, Study,
};
use predict::{Lm, LmError, LmErrorKind, LmRequest, LmResponse, Predict};

use crate::support::{TaskLm, exact_match, examples, student, told};

fn search() -> BootstrapFewShotWithRandomSearch {
    BootstrapFewShotWithRandomSearch {
        num_candidate_programs: 2,
        ..BootstrapFewShotWithRandomSearch::new(exact_match())
    }
}

async fn within(budget: Budget, lm: Arc<TaskLm>, journal: Arc<dyn Journal>) -> Result<Outcome<Predict>, OptimizeError> {
    let study = Study::on(lm as Arc<dyn Lm>).budget(budget).journal(journal).concurrency(3).open().await?;
    let (trainset, valset) = (examples(0..6), examples(6..12));
    search().compile(&student(), &trainset, Extras::from(valset.as_slice()), &study).await
}

fn fresh() -> Arc<dyn Journal> {
    Arc::new(MemoryJournal::default())
}

#[test]
fn a_budget_of_calls_is_exact_and_the_best_so_far_is_the_result() {
    for calls in 6..20 {
        let lm = TaskLm::reliable();
        let outcome =
            block_on(within(Budget { calls: Some(calls), ..Budget::default() }, Arc::clone(&lm), fresh())).unwrap();
        assert_eq!((lm.answered() as u64, outcome.stopped), (calls, Some(Limit::Calls)));
        assert!(
            outcome.candidates.iter().all(|candidate| candidate.rollouts.len() == 6),
            "half-judged candidates do not count"
        );
    }
}

#[test]
fn a_budget_that_ends_before_the_search_leaves_the_student() {
    block_on(async {
        let budget = Budget { calls: Some(14), ..Budget::default() };
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).budget(budget).open().await.unwrap();
        let (trainset, valset) = (examples(0..6), examples(6..12));
        let optimizer = MiproV2::new(exact_match());
        let outcome = optimizer.compile(&student(), &trainset, Extras::from(valset.as_slice()), &study).await.unwrap();
        assert_eq!((outcome.stopped, outcome.candidates.len()), (Some(Limit::Calls), 1));
        assert_eq!(outcome.candidates[0].origin, "student");
    });
}

#[test]
fn without_any_candidate_a_spent_budget_is_an_error() {
    let failed = block_on(within(Budget { calls: Some(5), ..Budget::default() }, TaskLm::reliable(), fresh()));
    assert!(matches!(failed, Err(OptimizeError::OutOfBudget { limit: Limit::Calls })), "{failed:?}");
}

#[test]
fn tokens_and_money_may_be_exceeded_by_the_calls_under_way_only() {
    // A call takes 110 tokens and 50 millionths of a dollar.
    for (budget, limit) in [
        (Budget { tokens: Some(1100), ..Budget::default() }, Limit::Tokens),
        (Budget { cost_micro_usd: Some(500), ..Budget::default() }, Limit::Money),
    ] {
        let lm = TaskLm::reliable();
        let outcome = block_on(within(budget, Arc::clone(&lm), fresh())).unwrap();
        assert_eq!(outcome.stopped, Some(limit));
        assert!((10..=12).contains(&lm.answered()), "{}", lm.answered());
    }
}

#[test]
fn a_study_out_of_budget_goes_on_with_a_larger_one() {
    let lm = TaskLm::reliable();
    let whole = block_on(within(Budget::default(), Arc::clone(&lm), fresh())).unwrap();
    let journal = fresh();
    let first = TaskLm::reliable();
    let stopped =
        block_on(within(Budget { calls: Some(17), ..Budget::default() }, Arc::clone(&first), Arc::clone(&journal)));
    assert_eq!(stopped.unwrap().stopped, Some(Limit::Calls));
    let second = TaskLm::reliable();
    let done = block_on(within(Budget::default(), Arc::clone(&second), journal)).unwrap();
    assert_eq!(told(&done), told(&whole));
    assert_eq!(first.answered() + second.answered(), lm.answered());
}

/// The same model while its provider turns everybody away.
struct Refusing(LmErrorKind);

#[async_trait]
impl Lm for Refusing {
    fn model(&self) -> &str {
        "task"
    }

    async fn complete(&self, _request: &LmRequest) -> Result<LmResponse, LmError> {
        Err(LmError::new(self.0, "no"))
    }
}

#[test]
fn failures_end_the_study_when_there_are_too_many() {
    block_on(async {
        let study = Study::on(Arc::new(Refusing(LmErrorKind::Auth))).open().await.unwrap();
        let failed = search().compile(&student(), &examples(0..20), Extras::default(), &study).await;
        let Err(OptimizeError::TooManyErrors { count, last, .. }) = failed else { panic!("{failed:?}") };
        assert_eq!((count, last.class.as_str()), (10, "LMError"));
        assert!(last.message.contains("authentication: no"), "{}", last.message);
    });
}

#[test]
fn what_an_outage_spoiled_is_tried_again_after_it() {
    let journal = fresh();
    block_on(async {
        let refusing = Arc::new(Refusing(LmErrorKind::Server));
        let study = Study::on(refusing).journal(Arc::clone(&journal)).open().await.unwrap();
        assert!(search().compile(&student(), &examples(0..20), Extras::default(), &study).await.is_err());
        let study = Study::on(TaskLm::reliable() as Arc<dyn Lm>).journal(Arc::clone(&journal)).open().await.unwrap();
        let outcome = search().compile(&student(), &examples(0..20), Extras::default(), &study).await.unwrap();
        assert!(
            outcome
                .candidates
                .iter()
                .flat_map(|candidate| &candidate.rollouts)
                .all(|rollout| rollout.failure.is_none())
        );
    });
}

#[test]
fn a_listener_hears_of_every_call_score_and_candidate() {
    block_on(async {
        let lm = TaskLm::reliable();
        let mut builder = Study::on(Arc::clone(&lm) as Arc<dyn Lm>);
        let events = builder.events();
        let study = builder.open().await.unwrap();
        let outcome = search().compile(&student(), &examples(0..6), Extras::default(), &study).await.unwrap();
        drop(study);
        let events: Vec<Event> = events.collect().await;
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
        assert_eq!(count(|event| matches!(event, Event::Called { replayed: false, .. })), lm.answered());
        assert_eq!(count(|event| matches!(event, Event::Candidate { .. })), outcome.candidates.len());
        assert_eq!(count(|event| matches!(event, Event::Started { .. })), 1);
        let last = events.last();
        assert!(matches!(last, Some(Event::Finished { spend }) if spend.calls == lm.answered() as u64), "{last:?}");
    });
}
