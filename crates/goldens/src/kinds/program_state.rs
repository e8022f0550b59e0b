//! Saved programs: what a file of DSPy's loads as, how the loaded program runs, and what saving it again writes.

use predict::saved::{LoadError, load_dspy, save_dspy};
use predict::{
    ChainOfThought, Context, LmState, Module, Predict, ReAct, Value, named_predictors, named_predictors_mut,
};

use super::outcome::same_outcome;
use super::react::{same_declaration, tools};
use super::script;
use crate::Verdict;
use crate::compare::{same, same_text};
use crate::decode::{adapter, list, map, member, signature, text};

mod declared;

use declared::Declared;

pub(crate) fn check(record: &Value) -> Verdict {
    let mut program = declared(record)?;
    same_declaration(program.as_ref(), list(record, "declared_predictors")?)?;
    let loaded = load_dspy(program.as_mut(), text(record, "state_text")?);
    if let Some(expected) = record.get("load_error") {
        let expected = text(expected, "class")?;
        return match loaded {
            Err(error) if class(&error) == expected => Ok(()),
            Err(error) => Err(format!("it failed as {} ({error}), expected {expected}", class(&error))),
            Ok(_) => Err("an error was expected".into()),
        };
    }
    loaded.map_err(|error| format!("it does not load: {error}"))?;
    same_declaration(program.as_ref(), list(record, "loaded_predictors")?)?;
    for (name, predict) in named_predictors(program.as_ref()) {
        let expected = record.get("loaded_lms").and_then(|lms| lms.get(&name)).cloned().unwrap_or_default();
        let state = predict.lm.as_ref().map(LmState::to_map);
        same(&format!("{name}: lm"), &expected, &state.into())?;
    }
    if let Some(expected) = record.get("resaved_with_lm_text").and_then(Value::as_str) {
        same_file("resaved with its models", expected, program.as_ref())?;
    }
    // The recording ran the loaded programs with a scripted model in place of theirs.
    named_predictors_mut(program.as_mut()).into_iter().for_each(|(_, predict)| predict.lm = None);
    for (index, run) in list(record, "runs")?.iter().enumerate() {
        check_run(program.as_ref(), run).map_err(|difference| format!("run {index}: {difference}"))?;
    }
    same_file("resaved", text(record, "resaved_text")?, program.as_ref())
}

fn check_run(program: &dyn Module, record: &Value) -> Verdict {
    let lm = script::lm(record);
    let cx = Context::new(lm.clone()).with_shared_adapter(adapter(text(record, "adapter")?)?);
    let mut run = futures::executor::block_on(cx.run(program, map(member(record, "inputs")?)));
    let shows_trajectory = record.get("result").and_then(|result| result.get("fields")?.get("trajectory")).is_some();
    if let (Ok(prediction), false) = (&mut run.outcome, shows_trajectory) {
        prediction.values.shift_remove("trajectory");
    }
    same_outcome(record, &run.outcome)?;
    script::same_requests(list(record, "requests")?, &lm.requests())
}

/// The bytes up to the versions of whoever wrote the file.
fn same_file(what: &str, expected: &str, program: &dyn Module) -> Verdict {
    let written = save_dspy(program).map_err(|error| error.to_string())?;
    let content = |text: &str| text.rfind("\"metadata\"").map_or(text.to_owned(), |at| text[..at].to_owned());
    same_text(what, &content(expected), &content(&written))
}

/// The Python exception that DSPy raises.
fn class(error: &LoadError) -> &'static str {
    match error {
        LoadError::Syntax(_) => "JSONDecodeError",
        LoadError::Missing(_) | LoadError::UnknownDependency(_) => "KeyError",
        LoadError::Type(_) => "TypeError",
        LoadError::TooOld => "NotImplementedError",
        LoadError::ForeignLm { .. } | LoadError::InvalidLm { .. } => "ValueError",
        LoadError::Configuration(_) => "LMConfigurationError",
        _ => "Exception",
    }
}

/// The program whose code declares the recorded predictors.
fn declared(record: &Value) -> Result<Box<dyn Module>, String> {
    let program = member(record, "program")?;
    let mut predictors = Vec::new();
    for predictor in list(record, "declared_predictors")? {
        let predict = Predict::of(signature(member(predictor, "signature")?)?);
        predictors.push((text(predictor, "name")?.to_owned(), predict));
    }
    let only = |name: &str| match predictors.as_slice() {
        [(only, predict)] if only == name => Ok(predict.clone()),
        _ => Err(format!("a program of this type has the predictor `{name}` alone")),
    };
    match text(program, "type")? {
        "Predict" => Ok(Box::new(only("self")?)),
        "ChainOfThought" => Ok(Box::new(ChainOfThought { predict: only("predict")? })),
        "ReAct" => agent(record, program, &predictors),
        _ => Ok(Box::new(Declared::new(predictors, program))),
    }
}

fn agent(record: &Value, program: &Value, predictors: &[(String, Predict)]) -> Result<Box<dyn Module>, String> {
    let (_, extract) = predictors.get(1).ok_or("an agent has two predictors")?;
    let signature = extract.signature().clone().delete("trajectory").delete("reasoning");
    let turns = program.get("max_iters").and_then(Value::as_i64).and_then(|turns| usize::try_from(turns).ok());
    Ok(Box::new(ReAct::of(&signature, tools(record)?).with_max_iters(turns.unwrap_or(20))))
}
