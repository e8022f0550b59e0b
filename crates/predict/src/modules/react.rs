//! The agent of DSPy's text protocol: thought, tool, observation, in turns, then an answer drawn from all of it.

use async_trait::async_trait;
use indexmap::IndexMap;

use super::{ChainOfThought, Predict};
use crate::adapter::input_blocks;
use crate::call::CallError;
use crate::callable::{ToolError, ToolFn};
use crate::context::Context;
use crate::lm::{LmError, LmErrorKind};
use crate::prediction::Prediction;
use crate::program::{Module, ModuleKind};
use crate::signature::{Field, Signature, SignatureError};
use crate::stream::Event;
use crate::trace::Warning;
use crate::typing::Type;
use crate::value::{Map, Value};

/// How often a request that is too long for the model's context is made again with less of the trajectory.
const TRUNCATIONS: usize = 3;
/// The entries of one turn in the trajectory: thought, tool name, tool arguments, observation.
const ENTRIES_PER_TURN: usize = 4;
const FINISH: &str = "finish";

/// Answers a signature with the help of tools (Yao et al., 2023).
///
/// Each turn the model writes a thought and names a tool with its arguments; the tool's result, or its error, is the
/// observation that it reads in the next turn. The tool `finish` ends the turns, and a [`ChainOfThought`] draws the outputs
/// from the trajectory. The prediction holds `trajectory` before the outputs.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Context, Module, ReAct, ScriptedLm, ToolFn, Type, Value, map};
///
/// let multiply = ToolFn::builder("multiply", "Multiplies.").arg("a", Type::Int).arg("b", Type::Int).run(|args| async move {
///     Ok(Value::from(args["a"].as_i64().unwrap_or(0) * args["b"].as_i64().unwrap_or(0)))
/// });
/// let agent = ReAct::new("question -> answer", vec![multiply])?;
/// let lm = ScriptedLm::texts([
///     "[[ ## next_thought ## ]]\nMultiply.\n[[ ## next_tool_name ## ]]\nmultiply\n[[ ## next_tool_args ## ]]\n{\"a\": 6, \"b\": 7}",
///     "[[ ## next_thought ## ]]\nDone.\n[[ ## next_tool_name ## ]]\nfinish\n[[ ## next_tool_args ## ]]\n{}",
///     "[[ ## reasoning ## ]]\nIt was computed.\n[[ ## answer ## ]]\n42",
/// ]);
/// let cx = Context::new(Arc::new(lm));
/// let prediction = futures::executor::block_on(agent.forward(map! {"question" => "6*7?"}, &cx))?;
/// assert_eq!(prediction.text("answer"), Some("42"));
/// assert_eq!(prediction["trajectory"].get("observation_0"), Some(&Value::from(42)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReAct {
    /// The predictor that chooses the next tool.
    pub react: Predict,
    /// What draws the outputs from the trajectory.
    pub extract: ChainOfThought,
    /// The most turns, unless the input `max_iters` says otherwise.
    pub max_iters: usize,
    tools: IndexMap<String, ToolFn>,
}

impl ReAct {
    /// An agent for the signature that `signature` writes out, with at most 20 turns.
    ///
    /// # Errors
    /// When the text is no signature.
    pub fn new(signature: &str, tools: Vec<ToolFn>) -> Result<Self, SignatureError> {
        Ok(Self::of(&Signature::parse(signature)?, tools))
    }

    /// An agent for a signature, with at most 20 turns. Of tools with one name the last counts.
    #[must_use]
    pub fn of(signature: &Signature, tools: Vec<ToolFn>) -> Self {
        let mut named: IndexMap<_, _> = tools.into_iter().map(|tool| (tool.tool().name.clone(), tool)).collect();
        named.insert(FINISH.into(), finish(&backticked(signature.outputs())));
        let trajectory = Field::input("trajectory", Type::Str);
        let inputs = signature.inputs().cloned().collect();
        let react = Signature::new("StringSignature", Some(&instructions(signature, &named)), inputs)
            .append(trajectory.clone())
            .append(Field::output("next_thought", Type::Str))
            .append(Field::output("next_tool_name", Type::literal(named.keys().map(String::as_str))))
            .append(Field::output("next_tool_args", Type::dict(Type::Str, Type::Any)));
        let extract = Signature::new("StringSignature", Some(&signature.instructions()), signature.fields().to_vec());
        Self {
            react: Predict::of(react),
            extract: ChainOfThought::of(extract.append(trajectory)),
            max_iters: 20,
            tools: named,
        }
    }

    /// The same with another limit of turns.
    #[must_use]
    pub fn with_max_iters(mut self, max_iters: usize) -> Self {
        self.max_iters = max_iters;
        self
    }

    /// The tools by name, `finish` last.
    #[must_use]
    pub fn tools(&self) -> &IndexMap<String, ToolFn> {
        &self.tools
    }

    /// One turn; says whether the turns are over.
    async fn turn(&self, index: usize, trajectory: &mut Map, inputs: &Map, cx: &Context) -> Result<bool, CallError> {
        let chosen = match self.with_room(&self.react, trajectory, inputs, cx).await {
            Ok(chosen) => chosen,
            Err(error @ CallError::Invalid { .. }) => return Ok(ended(cx, &error)),
            Err(error) if error.is_context_window() => return Ok(ended(cx, &error)),
            Err(error) => return Err(error),
        };
        let part = |name| chosen.get(name).cloned().unwrap_or_default();
        let name = part("next_tool_name");
        trajectory.insert(format!("thought_{index}"), part("next_thought"));
        trajectory.insert(format!("tool_name_{index}"), name.clone());
        trajectory.insert(format!("tool_args_{index}"), part("next_tool_args"));
        let name = name.as_str().unwrap_or_default();
        let args = part("next_tool_args").as_map().cloned().unwrap_or_default();
        let observation = self.observe(name, args, cx).await?;
        trajectory.insert(format!("observation_{index}"), observation);
        Ok(name == FINISH)
    }

    async fn observe(&self, name: &str, args: Map, cx: &Context) -> Result<Value, CallError> {
        cx.tell(|| Event::ToolCalled { tool: name.to_owned(), args: args.clone() });
        let observed = match self.tools.get(name) {
            Some(tool) => cx.unless_cancelled(async { Ok(tool.call(args).await) }).await?,
            None => Err(ToolError::new("KeyError", format!("'{name}'"))),
        };
        let observation = observed.unwrap_or_else(|error| failure(name, &error).into());
        cx.tell(|| Event::ToolAnswered { tool: name.to_owned(), observation: observation.clone() });
        Ok(observation)
    }

    /// Calls a module with the trajectory; drops its oldest turns for good while the prompt is too long.
    async fn with_room(
        &self,
        module: &dyn Module,
        trajectory: &mut Map,
        inputs: &Map,
        cx: &Context,
    ) -> Result<Prediction, CallError> {
        let too_long = |message: &str| CallError::Lm {
            predictor: cx.name_of(&self.react),
            source: LmError::new(LmErrorKind::ContextWindowExceeded, message),
        };
        for _ in 0..TRUNCATIONS {
            let mut inputs = inputs.clone();
            inputs.insert("trajectory".into(), self.shown(trajectory, cx)?.into());
            match module.forward(inputs, cx).await {
                Err(error) if error.is_context_window() => {}
                outcome => return outcome,
            }
            if trajectory.len() <= ENTRIES_PER_TURN {
                return Err(too_long("the prompt is too long although it holds one tool call at most"));
            }
            trajectory.drain(..ENTRIES_PER_TURN);
        }
        Err(too_long("the prompt is still too long after the oldest tool calls were dropped"))
    }

    fn shown(&self, trajectory: &Map, cx: &Context) -> Result<String, CallError> {
        let fields = trajectory.keys().map(|key| Field::input(key, Type::Str)).collect();
        input_blocks(&Signature::new("StringSignature", None, fields), trajectory)
            .map_err(|source| CallError::Format { predictor: cx.name_of(&self.react), source })
    }
}

#[async_trait]
impl Module for ReAct {
    async fn forward(&self, mut inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let asked = inputs.shift_remove("max_iters").as_ref().and_then(Value::as_i64);
        let max_iters = asked.map_or(self.max_iters, |turns| usize::try_from(turns).unwrap_or(0));
        let mut trajectory = Map::new();
        for index in 0..max_iters {
            if self.turn(index, &mut trajectory, &inputs, cx).await? {
                break;
            }
        }
        let extracted = self.with_room(&self.extract, &mut trajectory, &inputs, cx).await?;
        let mut values = crate::map! { "trajectory" => trajectory };
        values.extend(extracted.values);
        Ok(Prediction::from(values))
    }

    fn kind(&self) -> Option<ModuleKind> {
        let tools = self.tools.keys().filter(|name| *name != FINISH).cloned().collect();
        Some(ModuleKind::ReAct { max_iters: self.max_iters, tools })
    }

    crate::parts!(react, extract);
}

fn ended(cx: &Context, error: &CallError) -> bool {
    cx.ledger.warn(Warning::LoopEnded { reason: error.to_string() });
    true
}

/// What the model reads when a tool failed. DSPy adds frames of a Python traceback between the two lines.
pub(super) fn failure(tool: &str, error: &ToolError) -> String {
    format!("Execution error in {tool}: \n{error}")
}

fn backticked<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    fields.map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
}

fn finish(outputs: &str) -> ToolFn {
    let description = format!(
        "Marks the task as complete. That is, signals that all information for producing the outputs, i.e. {outputs}, are \
         now available to be extracted."
    );
    ToolFn::builder(FINISH, description).run(|_| async { Ok(Value::from("Completed.")) })
}

/// The instructions of `docs/prompt-format.md#react`.
fn instructions(signature: &Signature, tools: &IndexMap<String, ToolFn>) -> String {
    let (inputs, outputs) = (backticked(signature.inputs()), backticked(signature.outputs()));
    let own = signature.instructions();
    let mut lines = Vec::new();
    if !own.is_empty() {
        lines.push(format!("{own}\n"));
    }
    lines.push(format!(
        "You are an Agent. In each episode, you will be given the fields {inputs} as input. And you can see your past \
         trajectory so far."
    ));
    lines.push(format!(
        "Your goal is to use one or more of the supplied tools to collect any necessary information for producing {outputs}.\n"
    ));
    lines.push(
        "To do this, you will interleave next_thought, next_tool_name, and next_tool_args in each turn, and also when \
         finishing the task."
            .into(),
    );
    lines.push(
        "After each tool call, you receive a resulting observation, which gets appended to your trajectory.\n".into(),
    );
    lines.push(
        "When writing next_thought, you may reason about the current situation and plan for future steps.".into(),
    );
    lines.push("When selecting the next_tool_name and its next_tool_args, the tool must be one of:\n".into());
    lines.extend(tools.values().enumerate().map(|(index, tool)| format!("({}) {}", index + 1, tool.tool())));
    lines.push("When providing `next_tool_args`, the value inside the field must be in JSON format".into());
    lines.join("\n")
}
