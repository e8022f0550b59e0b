//! Improves a classifier by reflection, offline: a scripted model plays the classifier and the one that reflects.
//!
//! `cargo run -p optimize --example reflect`

use std::sync::Arc;

use futures::StreamExt as _;
use futures::executor::block_on;
use optimize::evaluate::table::Table;
use optimize::gepa::Effort;
use optimize::{Evaluation, Event, Extras, Gepa, Journal, MemoryJournal, Optimizer, Score, Study, metric};
use predict::{Example, Predict, Prediction, ScriptedLm, map, named_predictors};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let trainset = [("The train was late again.", "complaint"), ("Could you send me the timetable?", "request")]
        .map(|(message, kind)| Example::new(map! { "message" => message, "kind" => kind }).with_inputs(["message"]));
    let student = Predict::new("message -> kind: Literal['complaint', 'request']")?;

    // A reason is what reflection learns from.
    let right = metric("right kind", |example: &Example, prediction: &Prediction| {
        let wanted = example.get("kind");
        let score = Score::from(prediction.get("kind") == wanted);
        match wanted.and_then(|kind| kind.as_str()) {
            Some(kind) if score.value == 0.0 => score.because(format!("This message is a {kind}.")),
            _ => score,
        }
    });

    let study = Study::on(Arc::new(script()));
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let mut study = study.journal(Arc::clone(&journal));
    let events = study.events();
    let study = study.open().await?;

    let optimizer = Gepa::new(right, Effort::MetricCalls(6));
    let optimizer = Gepa { reflection_minibatch_size: 2, ..optimizer };
    let outcome = optimizer.compile(&student, &trainset, Extras::default(), &study).await?;

    for candidate in outcome.candidates.iter().filter(|candidate| candidate.complete) {
        println!("{}: {:?} %", candidate.origin, candidate.score.unwrap_or_default());
        println!("{}", Table::new(&trainset, &Evaluation::of(candidate.rollouts.clone()), "right kind"));
    }
    println!("The best instruction:\n{}\n", named_predictors(&outcome.program)[0].1.signature().instructions());

    println!("{} calls, {} journal entries. What happened:", outcome.spend.calls, journal.entries().await?.len());
    drop(study);
    let told: Vec<Event> = events.collect().await;
    for event in told.iter().filter(|event| !matches!(event, Event::Called { .. })) {
        println!("{}", serde_json::to_string(event)?);
    }
    assert_eq!(outcome.score, Some(100.0));
    Ok(())
}

/// What the model says, in order: it takes every message for a request until it is told better.
fn script() -> ScriptedLm {
    let kind = |kind: &str| format!("[[ ## kind ## ]]\n{kind}\n\n[[ ## completed ## ]]");
    let instruction = "Say whether a message is a complaint (something went wrong) or a request (something is wanted).";
    let mut replies = vec![kind("request"); 4];
    replies.push(serde_json::json!({ "new_instruction": instruction }).to_string());
    // Told better, it is right on both messages: first where it was reflected on, then on all of them.
    replies.extend(["complaint", "request", "complaint", "request"].map(kind));
    ScriptedLm::texts(replies)
}
