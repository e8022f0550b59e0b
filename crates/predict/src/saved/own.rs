//! Our own program files: self-describing, and safe to load from strangers.
//!
//! Beside what DSPy's files hold, a file says what the modules are, the names and types of all fields, settings, frozen
//! parts and the budget for corrections. It is data: nothing in it is run, tools are named and not shipped, and no setting
//! says where a request goes. (Asked for in DSPy's issues 8729, 8285, 8279 and 9164.)

use indexmap::IndexMap;
use thiserror::Error;

use super::digest;
use super::own_signature::{decode_predict, encode_predict};
use super::types::{object, text};
use crate::callable::ToolFn;
use crate::modules::{ChainOfThought, MultiChainComparison, Predict, ReAct};
use crate::program::{Module, ModuleKind, named_predictors, named_predictors_mut};
use crate::python::json;
use crate::signature::{Field, Signature};
use crate::value::{Map, Value};

/// The format and its version.
const FORMAT: &str = "kowai.program/1";
/// The longest file that is read, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// Why a program file cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is longer than a program file can reasonably be.
    #[error("the file is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It is no JSON.
    #[error("the file is not JSON: {0}")]
    Syntax(String),
    /// It is in another format, or of a later version.
    #[error("the file is not in the format {FORMAT}")]
    Format,
    /// Its content is not what its digest says: it was changed or damaged.
    #[error("the file's content does not match its digest")]
    Digest,
    /// It holds something that a program file cannot.
    #[error("{0}")]
    Invalid(String),
    /// The program that it is loaded into is another one.
    #[error("predictor `{predictor}`: {reason}")]
    Mismatch {
        /// The predictor.
        predictor: String,
        /// How they differ.
        reason: String,
    },
    /// Its modules are of the code's own kinds: it can only be loaded into such a program.
    #[error("the program is made of modules that this library does not know; load it into one")]
    NeedsCode,
    /// It names a tool that the caller does not offer.
    #[error("the program needs the tool `{0}`")]
    MissingTool(String),
}

impl FileError {
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    pub(super) fn missing(key: &str) -> Self {
        Self::Invalid(format!("`{key}` is missing or of the wrong kind"))
    }
}

/// Writes a program in our own format.
///
/// ```
/// use predict::saved::{open, save};
/// use predict::{ChainOfThought, Module, named_predictors};
///
/// let mut solve = ChainOfThought::new("question -> answer: int")?;
/// solve.predict.set_instructions("Solve the sum.");
/// let file = save(&solve);
///
/// // No code is needed to open it, and the types are there.
/// let opened = open(&file, |_tool| None)?;
/// let predictors = named_predictors(opened.as_ref());
/// assert_eq!(predictors[0].1.signature(), solve.predict.signature());
/// assert_eq!(save(opened.as_ref()), file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn save(program: &dyn Module) -> String {
    let content = content(program);
    let digest = digest::of(&Value::Map(content.clone()));
    let mut file = crate::map! { "format" => FORMAT };
    file.extend(content);
    file.insert("digest".into(), digest.into());
    json::dumps_indented(&Value::Map(file)) + "\n"
}

/// Opens a file as the program that it describes. `tools` gives the tools that an agent in it names.
///
/// # Errors
/// See [`FileError`].
pub fn open(file: &str, tools: impl Fn(&str) -> Option<ToolFn>) -> Result<Box<dyn Module>, FileError> {
    let (kind, mut predictors) = read(file)?;
    let mut take = |name: &str| {
        predictors.shift_remove(name).ok_or_else(|| FileError::invalid(format!("the predictor `{name}` is missing")))
    };
    match kind.ok_or(FileError::NeedsCode)? {
        ModuleKind::Predict => Ok(Box::new(take("self")?)),
        ModuleKind::ChainOfThought => Ok(Box::new(ChainOfThought { predict: take("predict")? })),
        ModuleKind::MultiChainComparison { attempts } => {
            Ok(Box::new(MultiChainComparison::around(take("predict")?, attempts)))
        }
        ModuleKind::ReAct { max_iters, tools: names } => {
            let (react, extract) = (take("react")?, take("extract.predict")?);
            let offered = names.iter().map(|name| tools(name).ok_or_else(|| FileError::MissingTool(name.clone())));
            let offered = offered.collect::<Result<Vec<_>, _>>()?;
            let mut agent = ReAct::of(&answered(&extract), offered).with_max_iters(max_iters);
            replace(&mut agent.react, react, "react")?;
            replace(&mut agent.extract.predict, extract, "extract.predict")?;
            Ok(Box::new(agent))
        }
    }
}

/// Loads a file into a program that declares the same predictors with the same fields.
///
/// # Errors
/// See [`FileError`]; the program is unchanged then.
pub fn load(program: &mut dyn Module, file: &str) -> Result<(), FileError> {
    let (_, mut saved) = read(file)?;
    let mut loaded = Vec::new();
    for (name, declared) in named_predictors(program) {
        let Some(predict) = saved.shift_remove(&name) else {
            return Err(FileError::Mismatch { predictor: name, reason: "the file does not have it".into() });
        };
        let mut declared = declared.clone();
        replace(&mut declared, predict, &name)?;
        loaded.push(declared);
    }
    if let Some((name, _)) = saved.first() {
        return Err(FileError::Mismatch { predictor: name.clone(), reason: "the program does not have it".into() });
    }
    for ((_, predict), loaded) in named_predictors_mut(program).into_iter().zip(loaded) {
        *predict = loaded;
    }
    Ok(())
}

/// What a file holds beside its format and digest.
pub(super) fn content(program: &dyn Module) -> Map {
    let predictors = named_predictors(program).into_iter();
    let predictors: Map = predictors.map(|(name, predict)| (name, encode_predict(predict).into())).collect();
    crate::map! { "module" => program.kind().map(|kind| encode_kind(&kind)), "predictors" => predictors }
}

fn read(file: &str) -> Result<(Option<ModuleKind>, IndexMap<String, Predict>), FileError> {
    if file.len() > MAX_BYTES {
        return Err(FileError::TooLong);
    }
    let parsed = json::loads(file).map_err(|error| FileError::Syntax(error.to_string()))?;
    let mut content = object(&parsed, "a program file")?.clone();
    if content.shift_remove("format").and_then(|format| format.as_str().map(|format| format == FORMAT)) != Some(true) {
        return Err(FileError::Format);
    }
    let stated = content.shift_remove("digest").unwrap_or_default();
    if stated.as_str() != Some(&digest::of(&Value::Map(content.clone()))) {
        return Err(FileError::Digest);
    }
    let kind = match content.get("module") {
        None | Some(Value::Null) => None,
        Some(kind) => Some(decode_kind(object(kind, "module")?)?),
    };
    let predictors = object(content.get("predictors").unwrap_or(&Value::Null), "predictors")?;
    let predictors = predictors.iter().map(|(name, predict)| Ok((name.clone(), decode_predict(predict)?)));
    Ok((kind, predictors.collect::<Result<_, FileError>>()?))
}

/// Gives a declared predictor what was saved; its checks, which are code, stay.
fn replace(declared: &mut Predict, mut saved: Predict, name: &str) -> Result<(), FileError> {
    let shape = |predict: &Predict| {
        let fields = predict.signature().fields().iter();
        fields.map(|field| (field.name.clone(), field.kind, field.ty.clone())).collect::<Vec<_>>()
    };
    if shape(declared) != shape(&saved) {
        let reason = "its fields have other names or types".into();
        return Err(FileError::Mismatch { predictor: name.to_owned(), reason });
    }
    saved.feedback = declared.feedback.clone().with_budget(saved.feedback.budget);
    *declared = saved;
    Ok(())
}

/// The signature that an agent answers, from the predictor that draws its answer.
fn answered(extract: &Predict) -> Signature {
    let kept = |field: &&Field| {
        if field.is_input() { field.name != "trajectory" } else { field.name != "reasoning" }
    };
    let signature = extract.signature();
    let fields = signature.fields().iter().filter(kept).cloned().collect();
    Signature::new(signature.name(), Some(&signature.instructions()), fields)
}

fn encode_kind(kind: &ModuleKind) -> Map {
    match kind {
        ModuleKind::Predict => crate::map! { "kind" => "Predict" },
        ModuleKind::ChainOfThought => crate::map! { "kind" => "ChainOfThought" },
        ModuleKind::MultiChainComparison { attempts } => {
            crate::map! { "kind" => "MultiChainComparison", "attempts" => *attempts }
        }
        ModuleKind::ReAct { max_iters, tools } => {
            crate::map! { "kind" => "ReAct", "max_iters" => *max_iters, "tools" => tools.clone() }
        }
    }
}

fn decode_kind(encoded: &Map) -> Result<ModuleKind, FileError> {
    let number = |key: &str| {
        let number = encoded.get(key).and_then(Value::as_i64).and_then(|number| usize::try_from(number).ok());
        number.filter(|number| *number <= 10_000).ok_or_else(|| FileError::missing(key))
    };
    match text(encoded, "kind")? {
        "Predict" => Ok(ModuleKind::Predict),
        "ChainOfThought" => Ok(ModuleKind::ChainOfThought),
        "MultiChainComparison" => Ok(ModuleKind::MultiChainComparison { attempts: number("attempts")? }),
        "ReAct" => {
            let tools = encoded.get("tools").and_then(Value::as_list).ok_or_else(|| FileError::missing("tools"))?;
            let tools = tools.iter().filter_map(|tool| tool.as_str().map(str::to_owned)).collect();
            Ok(ModuleKind::ReAct { max_iters: number("max_iters")?, tools })
        }
        other => Err(FileError::invalid(format!("`{other}` is no kind of module"))),
    }
}
