//! Programs: modules made of modules, whose predictors have names.

use async_trait::async_trait;

use crate::call::CallError;
use crate::context::Context;
use crate::modules::Predict;
use crate::prediction::Prediction;
use crate::value::Map;

mod frozen;
mod parts;

pub use frozen::Frozen;
pub use parts::{Part, PartMut, Parts};

/// Something that predicts outputs from inputs by calling models: a predictor, or a program made of modules.
///
/// A program is a struct that holds its modules. It says which fields they are with [`parts!`](crate::parts) and what it
/// does in [`Module::forward`], in ordinary Rust:
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use predict::{CallError, ChainOfThought, Context, Map, Module, Predict, Prediction, ScriptedLm, map, named_predictors, parts};
///
/// #[derive(Clone)]
/// struct Classify {
///     extract: Predict,
///     answer: ChainOfThought,
/// }
///
/// #[async_trait]
/// impl Module for Classify {
///     async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
///         let extracted = self.extract.forward(inputs.clone(), cx).await?;
///         let inputs = map! {"text" => inputs["text"].clone(), "keywords" => extracted["keywords"].clone()};
///         self.answer.forward(inputs, cx).await
///     }
///
///     parts!(extract, answer);
/// }
///
/// let program = Classify {
///     extract: Predict::new("text -> keywords: list[str]")?,
///     answer: ChainOfThought::new("text, keywords: list[str] -> label: Literal['pos', 'neg']")?,
/// };
/// let names: Vec<_> = named_predictors(&program).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["extract", "answer.predict"]);
///
/// let lm = ScriptedLm::texts([
///     "[[ ## keywords ## ]]\n[\"fine\"]",
///     "[[ ## reasoning ## ]]\nIt says fine.\n\n[[ ## label ## ]]\npos",
/// ]);
/// let run = futures::executor::block_on(Context::new(Arc::new(lm)).run(&program, map! {"text" => "I am fine"}));
/// assert_eq!(run.outcome?["label"].as_str(), Some("pos"));
/// assert_eq!(run.trace[1].predictor, "answer.predict");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait Module: Send + Sync {
    /// Predicts.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::retry`] says whether calling again makes sense.
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError>;

    /// The modules that this one is made of, in the order in which their predictors are listed and saved.
    fn parts(&self) -> Vec<Part<'_>> {
        Vec::new()
    }

    /// The same modules in the same order, to change.
    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        Vec::new()
    }

    /// A copy.
    fn clone_box(&self) -> Box<dyn Module>;

    /// The predictor, if that is what this module is.
    fn as_predict(&self) -> Option<&Predict> {
        None
    }

    /// The predictor, if that is what this module is, to change.
    fn as_predict_mut(&mut self) -> Option<&mut Predict> {
        None
    }

    /// What the module is, for files that are to be opened without its code; `None` for modules of the caller's own.
    fn kind(&self) -> Option<ModuleKind> {
        None
    }

    /// Whether the predictors of this module are left out when a larger program lists its own: they are then neither
    /// learned nor saved nor loaded (DSPy's `_compiled`). [`Frozen`] makes a module so.
    fn is_frozen(&self) -> bool {
        false
    }
}

/// The modules that a program file can describe, with what decides how they work beside their predictors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModuleKind {
    /// [`Predict`].
    Predict,
    /// [`crate::ChainOfThought`].
    ChainOfThought,
    /// [`crate::MultiChainComparison`].
    MultiChainComparison {
        /// How many attempts it compares.
        attempts: usize,
    },
    /// [`crate::ReAct`].
    ReAct {
        /// The most turns.
        max_iters: usize,
        /// Its tools by name, without `finish`.
        tools: Vec<String>,
    },
}

/// The predictors of a program with their names: the path to each through the fields of its modules, such as
/// `answer.predict`, `steps[0]` or `routes['news']`. A bare predictor is `self`.
#[must_use]
pub fn named_predictors(module: &dyn Module) -> Vec<(String, &Predict)> {
    if let Some(predict) = module.as_predict() {
        return vec![("self".to_owned(), predict)];
    }
    let parts = module.parts().into_iter().filter(|part| !part.module.is_frozen());
    parts.flat_map(|part| below(part.name, part.module)).collect()
}

fn below(name: String, module: &dyn Module) -> Vec<(String, &Predict)> {
    if let Some(predict) = module.as_predict() {
        return vec![(name, predict)];
    }
    let found = named_predictors(module).into_iter();
    found.map(|(rest, predict)| (format!("{name}.{rest}"), predict)).collect()
}

/// [`named_predictors`], to change.
pub fn named_predictors_mut(module: &mut dyn Module) -> Vec<(String, &mut Predict)> {
    if module.as_predict().is_some() {
        return module.as_predict_mut().map(|predict| ("self".to_owned(), predict)).into_iter().collect();
    }
    let parts = module.parts_mut().into_iter().filter(|part| !part.module.is_frozen());
    parts.flat_map(|part| below_mut(part.name, part.module)).collect()
}

fn below_mut(name: String, module: &mut dyn Module) -> Vec<(String, &mut Predict)> {
    if module.as_predict().is_some() {
        return module.as_predict_mut().map(|predict| (name, predict)).into_iter().collect();
    }
    let found = named_predictors_mut(module).into_iter();
    found.map(|(rest, predict)| (format!("{name}.{rest}"), predict)).collect()
}

#[async_trait]
impl Module for Box<dyn Module> {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        self.as_ref().forward(inputs, cx).await
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.as_ref().parts()
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        self.as_mut().parts_mut()
    }

    fn clone_box(&self) -> Box<dyn Module> {
        self.as_ref().clone_box()
    }

    fn as_predict(&self) -> Option<&Predict> {
        self.as_ref().as_predict()
    }

    fn as_predict_mut(&mut self) -> Option<&mut Predict> {
        self.as_mut().as_predict_mut()
    }

    fn kind(&self) -> Option<ModuleKind> {
        self.as_ref().kind()
    }

    fn is_frozen(&self) -> bool {
        self.as_ref().is_frozen()
    }
}

impl Clone for Box<dyn Module> {
    fn clone(&self) -> Self {
        self.as_ref().clone_box()
    }
}
