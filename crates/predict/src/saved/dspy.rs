//! DSPy's JSON files: `program.save("x.json")` (`docs/prompt-format.md#saved-programs`).
//!
//! Such a file holds what was learned and no more: instructions, descriptions, prefixes and demos by predictor. Names and
//! types of fields live in code, so a file is loaded into a program that declares the same predictors.

use thiserror::Error;

use super::json_file;
use super::lm_state::LmState;
use crate::example::Example;
use crate::modules::Predict;
use crate::program::{Module, named_predictors, named_predictors_mut};
use crate::value::{Map, Value};

/// The packages whose versions a file states, and those of the DSPy that this crate follows.
const VERSIONS: [(&str, &str); 3] = [("python", "3.11"), ("dspy", "3.4.1"), ("cloudpickle", "3.1")];

/// Why a file of DSPy's cannot be loaded. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is no JSON.
    #[error("the file is not JSON: {0}")]
    Syntax(String),
    /// Something is not there: a predictor, one of its parts, the metadata (Python's `KeyError`).
    #[error("the file has no `{0}`")]
    Missing(String),
    /// The file names a dependency that DSPy does not know (Python's `KeyError`).
    #[error("the file states the version of the unknown dependency `{0}`")]
    UnknownDependency(String),
    /// Something is of another kind than it must be (Python's `TypeError`).
    #[error("{0}")]
    Type(String),
    /// The file is of DSPy 2.5 or older.
    #[error("the file holds an `extended_signature`, which DSPy has not written since 2.6")]
    TooOld,
    /// The file names code to run.
    #[error("the file asks for code to be run: the LM class `{class}`")]
    ForeignLm {
        /// The class.
        class: String,
    },
    /// A predictor's model is none.
    #[error("a predictor's LM is invalid: {reason}")]
    InvalidLm {
        /// Why.
        reason: String,
    },
    /// A predictor's model does not take its settings.
    #[error("a predictor's LM is set up wrongly: {0}")]
    Configuration(String),
}

/// Why a program cannot be written as a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a demo holds an integer of more than 64 bits, which the format cannot")]
pub struct SaveError;

/// Writes a program as DSPy does.
///
/// # Errors
/// When a demo holds an integer of more than 64 bits.
pub fn save_dspy(program: &dyn Module) -> Result<String, SaveError> {
    let mut state = dump_state(program);
    let versions: Map = VERSIONS.iter().map(|(name, version)| ((*name).to_owned(), Value::from(*version))).collect();
    state.insert("metadata".into(), crate::map! { "dependency_versions" => versions }.into());
    json_file::write(&Value::Map(state)).ok_or(SaveError)
}

/// Loads a file of DSPy's into a program; says which versions it states that differ from those this crate follows.
///
/// ```
/// use predict::saved::{load_dspy, save_dspy};
/// use predict::{ChainOfThought, Example, map};
///
/// let mut taught = ChainOfThought::new("question -> answer")?;
/// taught.predict.set_instructions("Answer in one word.");
/// taught.predict.demos = vec![Example::new(map! {"question" => "2+2?", "reasoning" => "Add.", "answer" => "four"})];
/// let file = save_dspy(&taught)?;
///
/// let mut fresh = ChainOfThought::new("question -> answer")?;
/// load_dspy(&mut fresh, &file)?;
/// assert_eq!(fresh.predict.signature().instructions(), "Answer in one word.");
/// assert_eq!(save_dspy(&fresh)?, file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`LoadError`]; the program is unchanged then.
pub fn load_dspy(program: &mut dyn Module, file: &str) -> Result<Vec<(String, String)>, LoadError> {
    let state = json_file::read(file).map_err(LoadError::Syntax)?;
    let state = object(&state, "the file")?;
    let versions =
        object(member(object(member(state, "metadata")?, "metadata")?, "dependency_versions")?, "the versions")?;
    let mut differing = Vec::new();
    for (name, version) in versions {
        let known = VERSIONS.iter().find(|(known, _)| known == name);
        let (_, expected) = known.ok_or_else(|| LoadError::UnknownDependency(name.clone()))?;
        if version.as_str() != Some(expected) {
            differing.push((name.clone(), version.as_str().unwrap_or_default().to_owned()));
        }
    }
    load_state(program, state)?;
    Ok(differing)
}

/// What was learned in a program, by predictor; of a bare predictor, its state itself.
#[must_use]
pub fn dump_state(program: &dyn Module) -> Map {
    match program.as_predict() {
        Some(predict) => dump(predict),
        None => named_predictors(program).into_iter().map(|(name, predict)| (name, dump(predict).into())).collect(),
    }
}

/// Gives a program what [`dump_state`] gave of another.
///
/// # Errors
/// See [`LoadError`]; the program is unchanged then.
pub fn load_state(program: &mut dyn Module, state: &Map) -> Result<(), LoadError> {
    if let Some(predict) = program.as_predict_mut() {
        *predict = loaded(predict, state)?;
        return Ok(());
    }
    let fresh = named_predictors(program).into_iter();
    let load = |(name, predict): (String, &Predict)| loaded(predict, object(member(state, &name)?, &name)?);
    // All are read before the first is changed.
    let loaded = fresh.map(load).collect::<Result<Vec<_>, _>>()?;
    for ((_, predict), loaded) in named_predictors_mut(program).into_iter().zip(loaded) {
        *predict = loaded;
    }
    Ok(())
}

fn dump(predict: &Predict) -> Map {
    let signature = predict.full_signature();
    let field = |field: &crate::signature::Field| {
        crate::map! { "prefix" => field.prefix.as_str(), "description" => field.saved_desc() }
    };
    let demos = predict.full_demos().into_iter().map(|demo| Value::Map(demo.values).to_plain());
    let unread = &predict.unread;
    let mut state = crate::map! {
        "traces" => unread.traces.clone().unwrap_or_else(|| Value::List(Vec::new())),
        "train" => unread.train.clone().unwrap_or_else(|| Value::List(Vec::new())),
        "demos" => Value::List(demos.collect()),
        "signature" => crate::map! {
            "instructions" => signature.instructions(),
            "fields" => signature.fields().iter().map(field).collect::<Vec<_>>(),
        },
    };
    if !unread.thresholds.is_empty() {
        state.insert("fields".into(), unread.thresholds.clone().into());
    }
    state.insert("lm".into(), predict.lm.as_ref().map(LmState::to_map).into());
    state
}

/// The predictor with a saved state. Unknown keys, which DSPy would turn into attributes, are passed over.
fn loaded(predict: &Predict, state: &Map) -> Result<Predict, LoadError> {
    let mut loaded = predict.clone();
    load_signature(&mut loaded, object(member(state, "signature")?, "signature")?)?;
    if let Some(demos) = state.get("demos") {
        load_demos(&mut loaded, demos)?;
    }
    let unread = &mut loaded.unread;
    unread.traces = state.get("traces").cloned().or_else(|| unread.traces.take());
    unread.train = state.get("train").cloned().or_else(|| unread.train.take());
    unread.thresholds = match state.get("fields") {
        Some(thresholds) => object(thresholds, "fields")?.clone(),
        None => Map::new(),
    };
    loaded.lm = match member(state, "lm")? {
        Value::Map(lm) if !lm.is_empty() => Some(LmState::from_map(lm.clone())?),
        _ => None,
    };
    if state.contains_key("extended_signature") {
        return Err(LoadError::TooOld);
    }
    Ok(loaded)
}

fn load_signature(predict: &mut Predict, state: &Map) -> Result<(), LoadError> {
    let instructions = text(member(state, "instructions")?, "instructions")?;
    let learned = predict.frozen.without(instructions).to_owned();
    let fields = member(state, "fields")?.as_list().ok_or_else(|| wrong("fields", "a list"))?;
    let mut signature = predict.signature().clone().with_instructions(learned);
    for (field, saved) in signature.fields_mut().zip(fields) {
        let saved = object(saved, "a field")?;
        field.prefix = text(member(saved, "prefix")?, "prefix")?.to_owned();
        field.set_saved_desc(text(member(saved, "description")?, "description")?.to_owned());
    }
    predict.set_signature(signature);
    Ok(())
}

fn load_demos(predict: &mut Predict, demos: &Value) -> Result<(), LoadError> {
    let demos = demos.as_list().ok_or_else(|| wrong("demos", "a list"))?;
    let demos = demos.iter().map(|demo| Ok(Example::new(object(demo, "a demo")?.clone())));
    let mut demos = demos.collect::<Result<Vec<_>, LoadError>>()?;
    let pinned: Vec<_> = predict.frozen.demos.iter().map(|demo| Value::Map(demo.values.clone()).to_plain()).collect();
    let starts_with_pinned = demos.len() >= pinned.len()
        && demos.iter().zip(&pinned).all(|(demo, pinned)| Some(&demo.values) == pinned.as_map());
    if starts_with_pinned {
        demos.drain(..pinned.len());
    }
    predict.demos = demos;
    Ok(())
}

fn member<'a>(map: &'a Map, key: &str) -> Result<&'a Value, LoadError> {
    map.get(key).ok_or_else(|| LoadError::Missing(key.to_owned()))
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map, LoadError> {
    value.as_map().ok_or_else(|| wrong(what, "an object"))
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, LoadError> {
    value.as_str().ok_or_else(|| wrong(what, "text"))
}

fn wrong(what: &str, kind: &str) -> LoadError {
    LoadError::Type(format!("{what} must be {kind}"))
}
