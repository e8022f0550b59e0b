//! The predictor: one signature, its demos and settings, called through a model.

use async_trait::async_trait;

use crate::call::{self, Call, CallError, Feedback};
use crate::context::{Context, PredictorId};
use crate::example::Example;
use crate::lm::Settings;
use crate::prediction::Prediction;
use crate::program::{Module, ModuleKind};
use crate::saved::LmState;
use crate::signature::{Field, Signature, SignatureError};
use crate::stream::Event;
use crate::trace::{Step, Warning};
use crate::typing::Type;
use crate::value::{Map, Value};

/// A signature with what an optimizer may learn for it: instructions, descriptions and demos.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Context, Module, Predict, ScriptedLm, map};
///
/// let qa = Predict::new("question -> answer: int")?;
/// let cx = Context::new(Arc::new(ScriptedLm::texts(["[[ ## answer ## ]]\n4\n\n[[ ## completed ## ]]"])));
/// let prediction = futures::executor::block_on(qa.forward(map! {"question" => "2+2?"}, &cx))?;
/// assert_eq!(prediction["answer"].as_i64(), Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Predict {
    signature: Signature,
    /// What the prompt shows as examples, in order, after the pinned ones.
    pub demos: Vec<Example>,
    /// Settings of the model for this predictor, which win over those of the model. DSPy does not save them; our own
    /// format does.
    pub config: Settings,
    /// The model that this predictor asks for; the [`Lm`](crate::Lm) of the call decides what to make of it.
    pub lm: Option<LmState>,
    /// What of the prompt is not to be learned.
    pub frozen: FrozenParts,
    /// How the model may correct itself.
    pub feedback: Feedback,
    pub(crate) unread: Unread,
}

/// What a file of DSPy's holds for a predictor that means nothing here and is written again as it was.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Unread {
    pub(crate) traces: Option<Value>,
    pub(crate) train: Option<Value>,
    /// Thresholds of experimental decision outputs, DSPy's `fields`.
    pub(crate) thresholds: Map,
}

/// Parts of a prompt that stay as they are while the rest is learned. (Asked for in DSPy's issues 8637, 2239 and 996.)
///
/// Optimizers see and change [`Predict::signature`] and [`Predict::demos`], which do not contain these; the model sees
/// all of it. In a file of DSPy's they are written out with the rest, so that DSPy shows the model the same prompt.
///
/// ```
/// use predict::{FrozenParts, Predict};
///
/// let preamble = Some("You work for a bank.".to_owned());
/// let mut clerk = Predict::new("question -> answer")?.with_frozen(FrozenParts { preamble, ..FrozenParts::default() });
/// clerk.set_instructions("Answer in one sentence.");
/// assert_eq!(clerk.signature().instructions(), "Answer in one sentence.");
/// assert_eq!(clerk.full_signature().instructions(), "You work for a bank.\n\nAnswer in one sentence.");
/// # Ok::<(), predict::SignatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrozenParts {
    /// Comes before the instructions, a blank line between.
    pub preamble: Option<String>,
    /// Comes after the instructions, a blank line between.
    pub postscript: Option<String>,
    /// Demos that come before the learned ones.
    pub demos: Vec<Example>,
}

impl FrozenParts {
    /// Instructions without what is frozen of them, if they hold it.
    pub(crate) fn without<'a>(&self, instructions: &'a str) -> &'a str {
        let preamble = self.preamble.as_deref().unwrap_or_default();
        let postscript = self.postscript.as_deref().unwrap_or_default();
        let rest = instructions.strip_prefix(preamble).unwrap_or(instructions);
        let rest = rest.strip_suffix(postscript).unwrap_or(rest);
        let rest = if preamble.is_empty() { rest } else { rest.strip_prefix("\n\n").unwrap_or(rest) };
        if postscript.is_empty() { rest } else { rest.strip_suffix("\n\n").unwrap_or(rest) }
    }
}

impl Predict {
    /// A predictor of the signature that `signature` writes out, such as `"question, context: list[str] -> answer"`.
    ///
    /// # Errors
    /// When the text is no signature.
    pub fn new(signature: &str) -> Result<Self, SignatureError> {
        Ok(Self::of(Signature::parse(signature)?))
    }

    /// A predictor of a signature.
    #[must_use]
    pub fn of(signature: Signature) -> Self {
        Self {
            signature,
            demos: Vec::new(),
            config: Settings::new(),
            lm: None,
            frozen: FrozenParts::default(),
            feedback: Feedback::default(),
            unread: Unread::default(),
        }
    }

    /// The same with settings of the model.
    #[must_use]
    pub fn with_config(mut self, config: Settings) -> Self {
        self.config = config;
        self
    }

    /// The same with demos.
    #[must_use]
    pub fn with_demos(mut self, demos: Vec<Example>) -> Self {
        self.demos = demos;
        self
    }

    /// The same with a budget for corrections, and checks.
    #[must_use]
    pub fn with_feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = feedback;
        self
    }

    /// The same with parts of the prompt that are not to be learned.
    #[must_use]
    pub fn with_frozen(mut self, frozen: FrozenParts) -> Self {
        self.frozen = frozen;
        self
    }

    /// The signature without what is frozen: what may be learned.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Replaces the signature.
    pub fn set_signature(&mut self, signature: Signature) {
        self.signature = signature;
    }

    /// Replaces the instructions.
    pub fn set_instructions(&mut self, instructions: impl Into<String>) {
        self.signature = self.signature.clone().with_instructions(instructions);
    }

    /// Takes away what was learned beside the signature: demos, and the model. Frozen parts stay.
    pub fn reset(&mut self) {
        self.demos.clear();
        self.lm = None;
        self.unread = Unread { thresholds: std::mem::take(&mut self.unread.thresholds), ..Unread::default() };
    }

    /// The signature as the model sees it, with what is frozen.
    #[must_use]
    pub fn full_signature(&self) -> Signature {
        let FrozenParts { preamble, postscript, .. } = &self.frozen;
        if preamble.is_none() && postscript.is_none() {
            return self.signature.clone();
        }
        let learned = self.signature.instructions();
        let parts = [preamble.as_deref(), Some(learned.as_str()), postscript.as_deref()];
        let shown: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        self.signature.clone().with_instructions(shown.join("\n\n"))
    }

    /// The demos as the model sees them, the pinned ones first.
    #[must_use]
    pub fn full_demos(&self) -> Vec<Example> {
        self.frozen.demos.iter().chain(&self.demos).cloned().collect()
    }

    /// Calls the model with settings for this call, which win over [`Predict::config`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_with(&self, mut inputs: Map, config: &Settings, cx: &Context) -> Result<Prediction, CallError> {
        let predictor = cx.name_of(self);
        let signature = self.full_signature();
        self.complete_inputs(&predictor, &mut inputs, cx);
        let hinted = self.hinted(cx, &signature, &inputs);
        let (shown, given) = hinted.as_ref().map_or((&signature, &inputs), |(signature, inputs)| (signature, inputs));
        let demos = self.full_demos();
        let call = Call {
            predictor: &predictor,
            signature: shown,
            demos: &demos,
            inputs: given,
            config: laid_over(config, &self.config),
            model: self.lm.as_ref().map(|lm| lm.model.clone()),
            model_settings: self.lm.as_ref().map(|lm| lm.settings.clone()).unwrap_or_default(),
            feedback: &self.feedback,
        };
        cx.tell(|| Event::Started { predictor: predictor.clone() });
        let outcome = call::run(cx, call).await.map(Prediction::from_completions);
        cx.trace.push(Step { predictor, signature, inputs, outcome: outcome.clone() });
        outcome
    }

    /// Fills defaults in, and says what is missing or unknown.
    fn complete_inputs(&self, predictor: &str, inputs: &mut Map, cx: &Context) {
        for field in self.signature.inputs() {
            if let (Some(default), false, None) = (&field.default, field.default_is_factory, inputs.get(&field.name)) {
                inputs.insert(field.name.clone(), default.clone());
            }
            if !inputs.contains_key(&field.name) && !field.ty.admits_none() {
                cx.ledger.warn(Warning::MissingInput { predictor: predictor.to_owned(), field: field.name.clone() });
            }
        }
        for name in inputs.keys().filter(|name| !self.signature.field(name).is_some_and(Field::is_input)) {
            cx.ledger.warn(Warning::UnknownInput { predictor: predictor.to_owned(), field: name.clone() });
        }
    }

    /// Shows advice from an earlier attempt as a further input ([`crate::Refine`]).
    fn hinted(&self, cx: &Context, signature: &Signature, inputs: &Map) -> Option<(Signature, Map)> {
        let hint = cx.hints.get(&PredictorId::of(self))?;
        let field = Field::input("hint_", Type::Str).desc("A hint to the module from an earlier run");
        let mut inputs = inputs.clone();
        inputs.insert("hint_".into(), hint.as_str().into());
        Some((signature.clone().append(field), inputs))
    }
}

/// Settings with all of both; a `null` stays, because it takes a default of the model away.
fn laid_over(config: &Settings, base: &Settings) -> Settings {
    let mut merged = base.clone();
    config.iter().for_each(|(name, value)| merged.insert(name, value.clone()));
    merged
}

#[async_trait]
impl Module for Predict {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        self.call_with(inputs, &Settings::new(), cx).await
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }

    fn as_predict(&self) -> Option<&Predict> {
        Some(self)
    }

    fn as_predict_mut(&mut self) -> Option<&mut Predict> {
        Some(self)
    }

    fn kind(&self) -> Option<ModuleKind> {
        Some(ModuleKind::Predict)
    }
}
