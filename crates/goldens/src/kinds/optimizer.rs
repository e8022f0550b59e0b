//! Records of kind `optimizer`: which demonstrations an optimizer picks, what it asks on the way, and how it ranks.

use std::sync::Arc;

use futures::executor::block_on;
use optimize::metric::answer::{AnswerExactMatch, AnswerF1};
use optimize::{
    BootstrapFewShot, BootstrapFewShotWithRandomSearch, Extras, LabeledFewShot, Metric, OptimizeError, Optimizer,
    Outcome, Study, Work, metric,
};
use predict::python::{eq, json};
use predict::{Example, Lm, LmRequest, Map, Message, Module, Value, named_predictors};
use sha2::{Digest as _, Sha256};

use crate::Verdict;
use crate::compare::{same, same_text};
use crate::decode::{list, map, member, text};

mod program;
mod rules;

use rules::RuleLm;

/// The student and what is made of it.
type Program = Box<dyn Module>;

/// Runs the optimizer.
pub(crate) fn check(record: &Value) -> Verdict {
    let student = program::read(record)?;
    let lm = Arc::new(RuleLm::new(record)?);
    let outcome = block_on(compile(record, &student, Arc::clone(&lm) as Arc<dyn Lm>));
    same_calls(record, &lm.requests())?;
    match (outcome, record.get("error")) {
        (Ok(outcome), None) => {
            same_demos("demos", member(record, "demos")?, &outcome.program)?;
            same_candidates(record, &outcome)
        }
        (Err(OptimizeError::TooManyErrors { during, last, .. }), Some(error)) => {
            // DSPy raises the last error of a bootstrap again, but ends an evaluation with an error of no class of its
            // own.
            let class = if during == Work::Evaluating { "Exception".to_owned() } else { last.class };
            same("error.class", member(error, "class")?, &class.into())
        }
        (Ok(_), Some(error)) => Err(format!("no error, expected {}", text(error, "class")?)),
        (Err(error), _) => Err(format!("unexpected error: {error}")),
    }
}

async fn compile(record: &Value, student: &Program, lm: Arc<dyn Lm>) -> Result<Outcome<Program>, OptimizeError> {
    let (trainset, valset) = (examples(record, "trainset"), examples(record, "valset"));
    let optimizer = optimizer(record).map_err(OptimizeError::Invalid)?;
    let study = Study::on(lm).open().await?;
    let extras = Extras { valset: valset.as_deref(), teacher: None };
    optimizer.compile(student, &trainset.unwrap_or_default(), extras, &study).await
}

fn optimizer(record: &Value) -> Result<Box<dyn Optimizer<Program>>, String> {
    let config = member(record, "config")?;
    let given = |owner: &Value, key: &str| owner.get(key).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
    let count = |key: &str, default: usize| given(config, key).unwrap_or(default);
    let number = |key: &str| config.get(key).and_then(Value::as_f64);
    let metric = metric_of(record)?;
    let max_errors = given(config, "max_errors").or_else(|| given(record, "max_errors")).unwrap_or(10);
    let bootstrap = BootstrapFewShot {
        metric: metric.clone(),
        metric_threshold: number("metric_threshold"),
        max_bootstrapped_demos: count("max_bootstrapped_demos", 4),
        max_labeled_demos: count("max_labeled_demos", 16),
        max_rounds: count("max_rounds", 1),
        max_errors,
    };
    match text(record, "optimizer")? {
        "LabeledFewShot" => {
            let sample = config.get("sample").and_then(Value::as_bool).unwrap_or(true);
            Ok(Box::new(LabeledFewShot { k: count("k", 16), sample }))
        }
        "BootstrapFewShot" => Ok(Box::new(bootstrap)),
        "BootstrapFewShotWithRandomSearch" => Ok(Box::new(BootstrapFewShotWithRandomSearch {
            metric: metric.ok_or("random search needs a metric")?,
            metric_threshold: bootstrap.metric_threshold,
            max_bootstrapped_demos: bootstrap.max_bootstrapped_demos,
            max_labeled_demos: bootstrap.max_labeled_demos,
            max_rounds: bootstrap.max_rounds,
            num_candidate_programs: count("num_candidate_programs", 16),
            max_errors,
            stop_at_score: number("stop_at_score"),
        })),
        other => Err(format!("there is no optimizer `{other}`")),
    }
}

fn metric_of(record: &Value) -> Result<Option<Arc<dyn Metric>>, String> {
    match record.get("metric").and_then(Value::as_str) {
        None => Ok(None),
        Some("answer_exact_match") => Ok(Some(Arc::new(AnswerExactMatch::default()))),
        Some("answer_f1") => Ok(Some(Arc::new(AnswerF1))),
        Some("label_equal") => Ok(Some(metric("label_equal", |example, prediction| {
            example.get("label").zip(prediction.get("label")).is_some_and(|(label, found)| eq::equals(label, found))
        }))),
        Some(other) => Err(format!("there is no metric `{other}`")),
    }
}

fn examples(record: &Value, set: &str) -> Option<Vec<Example>> {
    let keys = list(record, "input_keys").unwrap_or_default();
    let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
    let rows = record.get(set).and_then(Value::as_list)?;
    Some(rows.iter().map(|row| Example::new(map(row)).with_inputs(keys.clone())).collect())
}

/// The requests that were made: how many, what they said and with which settings.
fn same_calls(record: &Value, requests: &[LmRequest]) -> Verdict {
    let messages =
        |request: &LmRequest| -> Value { request.messages.iter().map(Message::to_value).collect::<Vec<_>>().into() };
    let first: Vec<Value> = requests.iter().take(2).map(messages).collect();
    same("first_calls", member(record, "first_calls")?, &first.into())?;
    let digests: Vec<String> = requests.iter().map(|request| digest(&request.messages)).collect();
    same("call_digests", member(record, "call_digests")?, &digests.into())?;
    same("lm_calls", member(record, "lm_calls")?, &requests.len().into())?;
    // The record has each set of settings once, as JSON text in no particular order of keys.
    let recorded: Vec<&str> = list(record, "call_kwargs")?.iter().filter_map(Value::as_str).collect();
    let recorded: Vec<Value> = recorded.into_iter().filter_map(|text| json::loads(text).ok()).collect();
    let mut settings = requests.iter().map(|request| Value::Map(request.settings.as_map().clone()));
    match settings.find(|settings| !recorded.contains(settings)) {
        Some(settings) => Err(format!("call_kwargs has no {}", json::dumps(&settings))),
        None => Ok(()),
    }
}

/// `sha256(json.dumps(messages, ensure_ascii=False, sort_keys=True, separators=(",", ":")))` in hexadecimal digits.
fn digest(messages: &[Message]) -> String {
    let messages: Vec<Value> = messages.iter().map(|message| sorted(message.to_value())).collect();
    let text = json::dumps_compact(&messages.into());
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Map(map) => {
            let mut map: Map = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            map.sort_keys();
            Value::Map(map)
        }
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The demonstrations of each predictor, compared as text: saved programs show the order of their keys.
fn same_demos(what: &str, expected: &Value, program: &Program) -> Verdict {
    let demos =
        |demos: &[Example]| -> Vec<Value> { demos.iter().map(|demo| Value::Map(demo.values.clone())).collect() };
    let predictors = named_predictors(program).into_iter();
    let found: Map = predictors.map(|(name, predictor)| (name, demos(&predictor.demos).into())).collect();
    same_text(what, &json::dumps(expected), &json::dumps(&Value::Map(found)))
}

/// The candidates in the order in which they were tried, and their ranking.
fn same_candidates(record: &Value, outcome: &Outcome<Program>) -> Verdict {
    let Some(expected) = record.get("candidates").and_then(Value::as_list) else { return Ok(()) };
    if expected.len() != outcome.candidates.len() {
        return Err(format!("there are {} candidates, expected {}", outcome.candidates.len(), expected.len()));
    }
    let origin = |seed: &Value| format!("seed {}", seed.as_i64().unwrap_or_default());
    for (expected, found) in expected.iter().zip(&outcome.candidates) {
        let name = origin(member(expected, "seed")?);
        same("candidate", &name.as_str().into(), &found.origin.as_str().into())?;
        same(&format!("{name}: score"), member(expected, "score")?, &found.score.into())?;
        let score = |score: &Value| score.as_bool().map(f64::from).or(score.as_f64());
        let scores: Vec<Option<f64>> = list(expected, "subscores")?.iter().map(score).collect();
        let found_scores: Vec<f64> = found.rollouts.iter().map(|rollout| rollout.score.value).collect();
        same(&format!("{name}: subscores"), &scores.into(), &found_scores.into())?;
        same_demos(&format!("{name}: demos"), member(expected, "demos")?, &found.program)?;
    }
    let ranking: Vec<String> = list(record, "ranking")?.iter().map(origin).collect();
    let found: Vec<String> =
        outcome.ranking().into_iter().map(|index| outcome.candidates[index].origin.clone()).collect();
    same("ranking", &ranking.into(), &found.into())
}
