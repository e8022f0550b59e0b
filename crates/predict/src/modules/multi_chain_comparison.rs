//! One answer from several earlier ones.

use async_trait::async_trait;

use super::Predict;
use crate::call::CallError;
use crate::context::Context;
use crate::lm::Settings;
use crate::prediction::Prediction;
use crate::program::{Module, ModuleKind};
use crate::python::{repr, text};
use crate::signature::{Field, Signature};
use crate::typing::Type;
use crate::value::{Map, Value};

/// Compares the reasoning of several attempts and gives one corrected answer (Yoran et al., 2023).
///
/// [`Module::forward`] takes the attempts in the input `completions`, a list of output maps that hold `rationale` or
/// `reasoning`; [`MultiChainComparison::compare`] takes them as they come from a prediction.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{ChainOfThought, Context, Module, MultiChainComparison, ScriptedLm, Signature, map};
///
/// let attempts = ["2+2 is 4", "2+2 is 22", "two and two make 4"];
/// let texts = attempts.map(|reason| format!("[[ ## reasoning ## ]]\n{reason}\n[[ ## answer ## ]]\n{}", &reason[reason.len() - 1..]));
/// let compared = "[[ ## rationale ## ]]\nTwo of three add.\n[[ ## answer ## ]]\n4".to_owned();
/// let cx = Context::new(Arc::new(ScriptedLm::texts(texts.into_iter().chain([compared]))));
///
/// let think = ChainOfThought::new("question -> answer")?;
/// let compare = MultiChainComparison::of(Signature::parse("question -> answer")?, 3);
/// let inputs = map! {"question" => "2+2?"};
/// let answer = futures::executor::block_on(async {
///     let mut tried = Vec::new();
///     for _ in 0..3 {
///         tried.push(think.forward(inputs.clone(), &cx).await?.values);
///     }
///     compare.compare(inputs, &tried, &cx).await
/// })?;
/// assert_eq!(answer.text("answer"), Some("4"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MultiChainComparison {
    /// The predictor that compares.
    pub predict: Predict,
    attempts: usize,
    answer: String,
}

impl MultiChainComparison {
    /// Compares `attempts` attempts at the signature, at temperature 0.7.
    #[must_use]
    pub fn of(signature: Signature, attempts: usize) -> Self {
        let attempt = |index| {
            let mut field = Field::input(format!("reasoning_attempt_{index}"), Type::Str).desc("${reasoning attempt}");
            field.prefix = format!("Student Attempt #{index}:");
            field
        };
        let mut rationale = Field::output("rationale", Type::Str).desc("${corrected reasoning}");
        rationale.prefix = "Accurate Reasoning: Thank you everyone. Let's now holistically".into();
        let signature = (1..=attempts).fold(signature, |signature, index| signature.append(attempt(index)));
        let predict = Predict::of(signature.prepend(rationale)).with_config(Settings::new().temperature(0.7));
        Self::around(predict, attempts)
    }

    /// The module around a predictor that was made for it.
    pub(crate) fn around(predict: Predict, attempts: usize) -> Self {
        let answer = predict.signature().outputs().last().map(|field| field.name.clone()).unwrap_or_default();
        Self { predict, attempts, answer }
    }

    /// The same with settings of the model, over the temperature of 0.7.
    #[must_use]
    pub fn with_config(mut self, config: &Settings) -> Self {
        config.iter().for_each(|(name, value)| self.predict.config.insert(name, value.clone()));
        self
    }

    /// Gives one prediction for `inputs` from the outputs of earlier attempts.
    ///
    /// # Errors
    /// When there are more or fewer attempts than declared, or one holds no reasoning or answer; else see [`CallError`].
    pub async fn compare(&self, inputs: Map, attempts: &[Map], cx: &Context) -> Result<Prediction, CallError> {
        let invalid = |reason| CallError::Invalid { predictor: cx.name_of(&self.predict), reason };
        if attempts.len() != self.attempts {
            return Err(invalid(format!("it compares {} attempts and was given {}", self.attempts, attempts.len())));
        }
        let mut all = Map::new();
        for (index, attempt) in attempts.iter().enumerate() {
            let told = self.tell(attempt).ok_or_else(|| invalid(format!("attempt {} is incomplete", index + 1)))?;
            all.insert(format!("reasoning_attempt_{}", index + 1), told.into());
        }
        all.extend(inputs);
        self.predict.forward(all, cx).await
    }

    fn tell(&self, attempt: &Map) -> Option<String> {
        let rationale = attempt.get("rationale").or_else(|| attempt.get("reasoning"))?.as_str()?;
        let answer = repr::str(attempt.get(&self.answer)?);
        let (rationale, answer) = (first_line(rationale), first_line(&answer));
        Some(format!("«I'm trying to {rationale} I'm not sure but my prediction is {answer}»"))
    }
}

fn first_line(told: &str) -> &str {
    text::strip(text::strip(told).split('\n').next().unwrap_or_default())
}

#[async_trait]
impl Module for MultiChainComparison {
    async fn forward(&self, mut inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let given = inputs.shift_remove("completions").unwrap_or_default();
        let attempts = given.as_list().unwrap_or_default().iter().filter_map(Value::as_map).cloned();
        self.compare(inputs, &attempts.collect::<Vec<_>>(), cx).await
    }

    fn kind(&self) -> Option<ModuleKind> {
        Some(ModuleKind::MultiChainComparison { attempts: self.attempts })
    }

    crate::parts!(predict);
}
