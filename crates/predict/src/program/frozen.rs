//! A module that is finished: larger programs that hold it leave its predictors alone.

use async_trait::async_trait;

use super::{Module, ModuleKind, Part, PartMut};
use crate::call::CallError;
use crate::context::Context;
use crate::modules::Predict;
use crate::prediction::Prediction;
use crate::value::Map;

/// Wraps a module so that programs which contain it neither learn nor save nor load its predictors.
///
/// ```
/// use predict::{ChainOfThought, Frozen, named_predictors};
///
/// #[derive(Clone)]
/// struct Pipeline { plan: Frozen<ChainOfThought>, write: ChainOfThought }
/// # #[async_trait::async_trait]
/// # impl predict::Module for Pipeline {
/// #     async fn forward(&self, inputs: predict::Map, cx: &predict::Context) -> Result<predict::Prediction, predict::CallError> {
/// #         self.write.forward(inputs, cx).await
/// #     }
/// #     predict::parts!(plan, write);
/// # }
/// let pipeline = Pipeline {
///     plan: Frozen::new(ChainOfThought::new("task -> plan")?),
///     write: ChainOfThought::new("plan -> text")?,
/// };
/// let names: Vec<_> = named_predictors(&pipeline).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["write.predict"]);
/// # Ok::<(), predict::SignatureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Frozen<M>(M);

impl<M: Module> Frozen<M> {
    /// Freezes a module.
    #[must_use]
    pub fn new(module: M) -> Self {
        Self(module)
    }

    /// The module, to learn again.
    #[must_use]
    pub fn into_inner(self) -> M {
        self.0
    }
}

#[async_trait]
impl<M: Module + Clone + 'static> Module for Frozen<M> {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        self.0.forward(inputs, cx).await
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.0.parts()
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        self.0.parts_mut()
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }

    fn as_predict(&self) -> Option<&Predict> {
        self.0.as_predict()
    }

    fn as_predict_mut(&mut self) -> Option<&mut Predict> {
        self.0.as_predict_mut()
    }

    fn kind(&self) -> Option<ModuleKind> {
        self.0.kind()
    }

    fn is_frozen(&self) -> bool {
        true
    }
}
