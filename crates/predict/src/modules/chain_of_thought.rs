//! Reasoning before the answer.

use async_trait::async_trait;

use super::Predict;
use crate::call::CallError;
use crate::context::Context;
use crate::lm::Settings;
use crate::prediction::Prediction;
use crate::program::{Module, ModuleKind};
use crate::signature::{Field, Signature, SignatureError};
use crate::typing::Type;
use crate::value::Map;

/// A predictor that writes `reasoning` before its outputs (Wei et al., 2022).
///
/// ```
/// use predict::ChainOfThought;
///
/// let solve = ChainOfThought::new("question -> answer")?;
/// let outputs: Vec<_> = solve.predict.signature().outputs().map(|field| field.name.as_str()).collect();
/// assert_eq!(outputs, ["reasoning", "answer"]);
/// # Ok::<(), predict::SignatureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChainOfThought {
    /// The predictor, its signature extended.
    pub predict: Predict,
}

impl ChainOfThought {
    /// Reasons before the outputs of the signature that `signature` writes out.
    ///
    /// # Errors
    /// When the text is no signature.
    pub fn new(signature: &str) -> Result<Self, SignatureError> {
        Ok(Self::of(Signature::parse(signature)?))
    }

    /// Reasons before the outputs of a signature. The instructions stay as they are.
    #[must_use]
    pub fn of(signature: Signature) -> Self {
        Self::with_reasoning(signature, Field::output("reasoning", Type::Str))
    }

    /// Reasons in a field of the caller's: one of type [`Type::Reasoning`] takes the reasoning of models that reason by
    /// themselves, and asks the others for it.
    #[must_use]
    pub fn with_reasoning(signature: Signature, reasoning: Field) -> Self {
        let reasoning = Field { name: "reasoning".into(), ..reasoning };
        Self { predict: Predict::of(signature.prepend(reasoning)) }
    }

    /// The same with settings of the model.
    #[must_use]
    pub fn with_config(self, config: Settings) -> Self {
        Self { predict: self.predict.with_config(config) }
    }
}

#[async_trait]
impl Module for ChainOfThought {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        self.predict.forward(inputs, cx).await
    }

    fn kind(&self) -> Option<ModuleKind> {
        Some(ModuleKind::ChainOfThought)
    }

    crate::parts!(predict);
}
