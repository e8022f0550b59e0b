//! Several attempts, with advice between them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::best_of_n::Attempts;
use super::{Predict, Reward};
use crate::call::CallError;
use crate::context::{Context, PredictorId};
use crate::prediction::Prediction;
use crate::program::{Module, Part, PartMut, named_predictors};
use crate::python::json;
use crate::signature::{Field, Signature};
use crate::trace::Step;
use crate::typing::Type;
use crate::value::{Map, Value};

/// [`BestOfN`](super::BestOfN) with advice: after an attempt below the threshold the model is shown what every predictor
/// did and advises each; the advice reaches the next attempt as the further input `hint_`.
///
/// DSPy shows the adviser the source code of program and reward; here [`Refine::explained`] says in words what they do.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Context, Module, Predict, Refine, ScriptedLm, map};
///
/// let lm = ScriptedLm::texts([
///     "[[ ## answer ## ]]\nIt is four.",
///     "[[ ## discussion ## ]]\nToo many words.\n[[ ## advice ## ]]\n{\"self\": \"Answer with the number alone.\"}",
///     "[[ ## answer ## ]]\n4",
/// ]);
/// let one_word = |_: &_, prediction: &predict::Prediction| {
///     f64::from(prediction.text("answer").is_some_and(|answer| !answer.contains(' ')))
/// };
/// let refine = Refine::new(Predict::new("question -> answer")?, 3, one_word, 1.0)
///     .explained("It answers a question.", "1 for an answer of one word, else 0.");
/// let run = futures::executor::block_on(Context::new(Arc::new(lm)).run(&refine, map! {"question" => "2+2?"}));
/// assert_eq!(run.outcome?.text("answer"), Some("4"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Refine {
    /// The module that is refined.
    pub module: Box<dyn Module>,
    /// The predictor that advises.
    pub adviser: Predict,
    n: usize,
    reward: Reward,
    threshold: f64,
    allowed_failures: usize,
    program: String,
    criterion: String,
}

impl Refine {
    /// Tries `module` up to `n` times.
    pub fn new(
        module: impl Module + 'static,
        n: usize,
        reward: impl Fn(&Map, &Prediction) -> f64 + Send + Sync + 'static,
        threshold: f64,
    ) -> Self {
        Self {
            module: Box::new(module),
            adviser: Predict::of(advice()),
            n,
            reward: Arc::new(reward),
            threshold,
            allowed_failures: n,
            program: "A program made of the modules below, called in the order of the trajectory.".into(),
            criterion: "A number that says how good the outputs are for the inputs; higher is better.".into(),
        }
    }

    /// Says what the program does and what the reward measures, for the adviser to read.
    #[must_use]
    pub fn explained(mut self, program: impl Into<String>, criterion: impl Into<String>) -> Self {
        self.program = program.into();
        self.criterion = criterion.into();
        self
    }

    /// The hints for the next attempt, by predictor.
    async fn advise(
        &self,
        inputs: &Map,
        outputs: &Prediction,
        reward: f64,
        steps: &[Step],
        cx: &Context,
    ) -> Result<HashMap<PredictorId, String>, CallError> {
        let predictors = named_predictors(self.module.as_ref());
        let names: HashMap<_, _> =
            predictors.iter().map(|(name, predict)| (cx.name_of(predict), name.as_str())).collect();
        let module_names: Vec<_> = predictors.iter().map(|(name, _)| name.as_str()).collect();
        let asked = crate::map! {
            "program_code" => self.program.as_str(),
            "modules_defn" => definitions(&predictors),
            "program_inputs" => shown(&inputs.clone().into()),
            "program_trajectory" => shown(&trajectory(steps, &names)),
            "program_outputs" => shown(&outputs.values.clone().into()),
            "reward_code" => self.criterion.as_str(),
            "target_threshold" => self.threshold,
            "reward_value" => reward,
            "module_names" => module_names,
        };
        let advised = self.adviser.forward(asked, &cx.attempt()).await?;
        let advice = advised.get("advice").and_then(Value::as_map).cloned().unwrap_or_default();
        let hint = |name: &str| advice.get(name).and_then(Value::as_str).unwrap_or("N/A").to_owned();
        Ok(predictors.iter().map(|(name, predict)| (PredictorId::of(predict), hint(name))).collect())
    }
}

#[async_trait]
impl Module for Refine {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let mut attempts = Attempts::new(cx, self.allowed_failures);
        let mut hints = Arc::clone(&cx.hints);
        for index in 0..self.n {
            let attempt = Context { hints: Arc::clone(&hints), ..attempts.context(cx, index) };
            let prediction = match self.module.forward(inputs.clone(), &attempt).await {
                Ok(prediction) => prediction,
                Err(error) => {
                    attempts.failed(index, error, cx)?;
                    continue;
                }
            };
            let reward = (self.reward)(&inputs, &prediction);
            let steps = attempt.trace.snapshot();
            attempts.succeeded(reward, prediction.clone(), attempt);
            if reward >= self.threshold || index + 1 == self.n {
                break;
            }
            match self.advise(&inputs, &prediction, reward, &steps, cx).await {
                Ok(advice) => hints = Arc::new(advice),
                Err(error) => attempts.failed(index, error, cx)?,
            }
        }
        attempts.conclude(cx)
    }

    fn parts(&self) -> Vec<Part<'_>> {
        vec![Part { name: "module".into(), module: self.module.as_ref() }]
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        vec![PartMut { name: "module".into(), module: self.module.as_mut() }]
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

/// What the adviser is asked; the fields are DSPy's.
fn advice() -> Signature {
    let text = |name: &str, desc: &str| Field::input(name, Type::Str).desc(desc);
    Signature::builder("OfferFeedback")
        .instructions(
            "The outputs of a program fell short of a reward's threshold. Discuss which of its modules are to blame, and \
             how. Then advise each module for another attempt at the same or similar inputs. A module does not see what it \
             did before, so its advice must be concrete, complete in itself and ready to act on. The advice for a module \
             that is not to blame is N/A.",
        )
        .field(text("program_code", "What the program does"))
        .field(text("modules_defn", "The modules of the program with their inputs, outputs and instructions"))
        .field(text("program_inputs", "What the program was given"))
        .field(text("program_trajectory", "What each module was given and what it gave, in order"))
        .field(text("program_outputs", "What the program gave"))
        .field(text("reward_code", "What the reward measures"))
        .field(Field::input("target_threshold", Type::Float).desc("The reward to reach"))
        .field(Field::input("reward_value", Type::Float).desc("The reward that the outputs got"))
        .field(Field::input("module_names", Type::list(Type::Str)).desc("The modules to advise"))
        .output_with("discussion", Type::Str, "Which modules went wrong where")
        .output_with(
            "advice",
            Type::dict(Type::Str, Type::Str),
            "For each module: in which situations it went wrong and how, and what to do there instead; or N/A",
        )
        .build()
}

fn definitions(predictors: &[(String, &Predict)]) -> String {
    let definition = |(name, predict): &(String, &Predict)| {
        let signature = predict.full_signature();
        let list = |inputs: bool| {
            let fields = signature.fields().iter().filter(|field| field.is_input() == inputs);
            let line = |field: &Field| {
                format!("  {} ({}): {}", field.name, field.ty.name(), field.desc.as_deref().unwrap_or(""))
            };
            fields.map(|field| line(field).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
        };
        let (inputs, outputs) = (list(true), list(false));
        format!("Module {name}\nInputs:\n{inputs}\nOutputs:\n{outputs}\nInstructions: {}", signature.instructions())
    };
    predictors.iter().map(definition).collect::<Vec<_>>().join("\n\n")
}

fn trajectory(steps: &[Step], names: &HashMap<String, &str>) -> Value {
    let step = |step: &Step| {
        let outputs = step.outcome.as_ref().map(|prediction| prediction.values.clone()).unwrap_or_default();
        let name = names.get(&step.predictor).copied().unwrap_or(&step.predictor);
        Value::Map(crate::map! { "module_name" => name, "inputs" => step.inputs.clone(), "outputs" => outputs })
    };
    Value::List(steps.iter().map(step).collect())
}

fn shown(value: &Value) -> String {
    json::dumps_indented(&value.to_plain())
}
