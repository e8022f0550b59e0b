//! The agent of native tool calls: the model calls tools through its provider's interface, several at a time if it likes,
//! and answers by calling `submit`.

use async_trait::async_trait;
use futures::future::join_all;
use indexmap::IndexMap;
use thiserror::Error;

use super::Predict;
use super::react::failure;
use crate::call::CallError;
use crate::callable::{ToolError, ToolFn};
use crate::context::Context;
use crate::lm::Settings;
use crate::prediction::Prediction;
use crate::program::Module;
use crate::signature::{Field, Signature};
use crate::stream::Event;
use crate::tool::{ToolCall, ToolCalls, ToolResult};
use crate::trace::Warning;
use crate::typing::Type;
use crate::value::{Map, Value};

const SUBMIT: &str = "submit";
/// What the agent's own signature and predictions call theirs.
const RESERVED: [&str; 4] = ["history", "tools", "next_thought", "termination_reason"];

/// Answers a signature with the help of tools that the model calls natively (DSPy's experimental `ReActV2`).
///
/// The final answer is a call of `submit`, whose arguments are the outputs. The prediction holds the outputs, `history`
/// (give it as the input `history` to go on later) and `termination_reason`. With an adapter that has native tools off,
/// or a model without them, the same agent speaks through text.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{
///     Capabilities, ChatAdapter, Choice, Context, LmResponse, Module, ScriptedLm, Signature, ToolAgent, ToolCall, ToolFn,
///     Type, Value, map,
/// };
///
/// let weather = ToolFn::builder("weather", "Tells the weather.").arg("city", Type::Str).run(|_| async { Ok("sunny".into()) });
/// let agent = ToolAgent::of(&Signature::parse("question -> answer")?, vec![weather])?;
///
/// let calls = |name: &str, args| ToolCall { id: None, name: name.into(), args };
/// let reply = |call| LmResponse { choices: vec![Choice { tool_calls: vec![call], ..Choice::default() }], ..LmResponse::default() };
/// let lm = ScriptedLm::new([
///     Ok(reply(calls("weather", map! {"city" => "Rome"}))),
///     Ok(reply(calls("submit", map! {"answer" => "It is sunny."}))),
/// ])
/// .with_capabilities(Capabilities { function_calling: true, ..Capabilities::default() });
/// let cx = Context::new(Arc::new(lm)).with_adapter(ChatAdapter { native_tools: true, ..ChatAdapter::default() });
/// let prediction = futures::executor::block_on(agent.forward(map! {"question" => "Umbrella?"}, &cx))?;
/// assert_eq!(prediction.text("answer"), Some("It is sunny."));
/// assert_eq!(prediction["history"].get("messages").and_then(Value::as_list).map(|turns| turns.len()), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ToolAgent {
    /// The predictor of each turn.
    pub react: Predict,
    /// The most turns before the model is made to submit.
    pub max_iters: usize,
    tools: IndexMap<String, ToolFn>,
}

/// A name that the agent needs for itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is a name that the agent uses itself")]
pub struct ReservedName {
    /// The field's or the tool's name.
    pub name: String,
}

impl ToolAgent {
    /// An agent for a signature, with at most 20 turns.
    ///
    /// # Errors
    /// When a field of the signature or a tool is called what the agent calls something of its own.
    pub fn of(signature: &Signature, tools: Vec<ToolFn>) -> Result<Self, ReservedName> {
        if let Some(field) = signature.fields().iter().find(|field| RESERVED.contains(&field.name.as_str())) {
            return Err(ReservedName { name: field.name.clone() });
        }
        let mut named: IndexMap<_, _> = tools.into_iter().map(|tool| (tool.tool().name.clone(), tool)).collect();
        if named.contains_key(SUBMIT) {
            return Err(ReservedName { name: SUBMIT.into() });
        }
        named.insert(SUBMIT.into(), submit(signature));
        Ok(Self { react: Predict::of(turn_signature(signature, &named)), max_iters: 20, tools: named })
    }

    /// The same with another limit of turns.
    #[must_use]
    pub fn with_max_iters(mut self, max_iters: usize) -> Self {
        self.max_iters = max_iters;
        self
    }

    async fn ask(
        &self,
        pending: &Map,
        history: &[Value],
        config: &Settings,
        cx: &Context,
    ) -> Result<(Prediction, Vec<ToolCall>), CallError> {
        let tools: Vec<Value> = self.tools.values().map(|tool| Value::Tool(tool.tool().clone())).collect();
        let mut inputs = pending.clone();
        inputs.insert("history".into(), crate::map! { "messages" => Value::List(history.to_vec()) }.into());
        inputs.insert("tools".into(), Value::List(tools));
        let prediction = self.react.call_with(inputs, config, cx).await?;
        let calls = match prediction.get("tool_calls") {
            Some(Value::ToolCalls(calls)) => calls.calls.clone(),
            _ => Vec::new(),
        };
        Ok((prediction, calls))
    }

    /// Runs the calls of one turn at the same time and gives their results in order, and the outputs if one submitted them.
    async fn run(&self, calls: &[ToolCall], cx: &Context) -> Result<(Vec<ToolResult>, Option<Map>), CallError> {
        let results =
            cx.unless_cancelled(async { Ok(join_all(calls.iter().map(|call| self.run_one(call, cx))).await) }).await?;
        let submitted = calls.iter().zip(&results).rev().filter(|(call, _)| call.name == SUBMIT);
        let mut outputs = submitted.filter_map(|(_, result)| result.as_ref().ok().and_then(Value::as_map).cloned());
        let outputs = outputs.next();
        let told = calls.iter().zip(results).map(|(call, result)| ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            is_error: result.is_err(),
            value: result.unwrap_or_else(|error| failure(&call.name, &error).into()),
        });
        Ok((told.collect(), outputs))
    }

    async fn run_one(&self, call: &ToolCall, cx: &Context) -> Result<Value, ToolError> {
        let name = call.name.as_str();
        cx.tell(|| Event::ToolCalled { tool: name.to_owned(), args: call.args.clone() });
        let result = match self.tools.get(name) {
            Some(tool) => tool.call(call.args.clone()).await,
            None => Err(ToolError::new("KeyError", format!("Unknown tool: {name}"))),
        };
        cx.tell(|| {
            let observation = result.clone().unwrap_or_else(|error| failure(name, &error).into());
            Event::ToolAnswered { tool: name.to_owned(), observation }
        });
        result
    }

    /// After the turns: the model may only submit.
    async fn force_submit(&self, pending: Map, mut history: Vec<Value>, cx: &Context) -> Result<Prediction, CallError> {
        let function = crate::map! { "name" => SUBMIT };
        let choice = crate::map! { "type" => "function", "function" => function };
        let config = Settings::new().set("tool_choice", choice).set("reasoning_effort", Value::Null);
        let (prediction, mut calls) = self.ask(&pending, &history, &config, cx).await?;
        calls.retain(|call| call.name == SUBMIT);
        number(&mut calls, self.max_iters);
        let (results, outputs) = self.run(&calls, cx).await?;
        let Some(outputs) = outputs else {
            let told = results.last().and_then(|result| result.value.as_str());
            let reason = told.unwrap_or("the model did not call `submit`").to_owned();
            return Err(CallError::Refused { predictor: cx.name_of(&self.react), attempts: 1, reason });
        };
        history.push(event(pending, &prediction, calls, results, Some(&outputs)));
        Ok(finished(outputs, history, "forced_submit"))
    }
}

#[async_trait]
impl Module for ToolAgent {
    async fn forward(&self, mut inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let history = inputs.shift_remove("history").unwrap_or_default();
        let mut history = history.get("messages").and_then(Value::as_list).unwrap_or_default().to_vec();
        let mut pending = inputs;
        for turn in 0..self.max_iters {
            let (prediction, mut calls) = match self.ask(&pending, &history, &Settings::new(), cx).await {
                Ok(asked) => asked,
                Err(error @ (CallError::Parse { .. } | CallError::Invalid { .. })) => {
                    cx.ledger.warn(Warning::LoopEnded { reason: error.to_string() });
                    break;
                }
                Err(error) if error.is_context_window() => {
                    cx.ledger.warn(Warning::LoopEnded { reason: error.to_string() });
                    break;
                }
                Err(error) => return Err(error),
            };
            if calls.is_empty() {
                break;
            }
            number(&mut calls, turn);
            let (results, outputs) = self.run(&calls, cx).await?;
            history.push(event(std::mem::take(&mut pending), &prediction, calls, results, outputs.as_ref()));
            if let Some(outputs) = outputs {
                return Ok(finished(outputs, history, SUBMIT));
            }
        }
        self.force_submit(pending, history, cx).await
    }

    crate::parts!(react);
}

fn finished(outputs: Map, history: Vec<Value>, reason: &str) -> Prediction {
    let mut values = outputs;
    values.insert("history".into(), crate::map! { "messages" => Value::List(history) }.into());
    values.insert("termination_reason".into(), reason.into());
    Prediction::from(values)
}

/// One turn as the history keeps it.
fn event(
    pending: Map,
    turn: &Prediction,
    calls: Vec<ToolCall>,
    results: Vec<ToolResult>,
    outputs: Option<&Map>,
) -> Value {
    let mut event = pending;
    if let Some(thought) = turn.get("next_thought").filter(|thought| !thought.is_null()) {
        event.insert("next_thought".into(), thought.clone());
    }
    event.insert("tool_calls".into(), ToolCalls { calls, results: Some(results) }.into());
    event.extend(outputs.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    Value::Map(event)
}

/// Gives every call an id, which the results refer to.
fn number(calls: &mut [ToolCall], turn: usize) {
    for (index, call) in calls.iter_mut().enumerate() {
        call.id.get_or_insert_with(|| format!("call_{turn}_{index}"));
    }
}

fn submit(signature: &Signature) -> ToolFn {
    let tool = ToolFn::builder(SUBMIT, "Submit the final outputs for the task.");
    let tool = signature.outputs().fold(tool, |tool, field| tool.arg(&field.name, field.ty.clone()));
    tool.run(|args| async move { Ok(Value::Map(args)) })
}

fn turn_signature(signature: &Signature, tools: &IndexMap<String, ToolFn>) -> Signature {
    let list =
        |names: &mut dyn Iterator<Item = &str>| names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let outputs = list(&mut signature.outputs().map(|field| field.name.as_str()));
    let names = list(&mut tools.keys().map(String::as_str));
    let instructions = format!(
        "{}\nWork towards {outputs} by calling tools. Call one or several whenever you lack information, and read what they \
         return before you go on.\nOnce you know {outputs}, call `submit` with all of them: that ends the task.\nYour tools: \
         {names}.",
        signature.instructions()
    );
    let optional = |field: &Field| Field {
        ty: if field.ty.admits_none() { field.ty.clone() } else { Type::optional(field.ty.clone()) },
        ..field.clone()
    };
    Signature::new("StringSignature", Some(instructions.trim()), signature.inputs().map(optional).collect())
        .append(Field::input("history", Type::History))
        .append(Field::input("tools", Type::list(Type::Tool)))
        .append(Field::output("next_thought", Type::Reasoning))
        .append(Field::output("tool_calls", Type::ToolCalls))
}
