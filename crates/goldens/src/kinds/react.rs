//! Runs of agents: the predictors they declare, their requests, their trajectory.

use std::sync::Arc;

use async_trait::async_trait;
use predict::python::{eq, repr};
use predict::{Context, Map, Module, ReAct, ToolError, ToolFn, ToolHandler, Value, named_predictors};

use super::call::is_declared;
use super::outcome::same_outcome;
use super::script;
use crate::Verdict;
use crate::compare::{same, same_text};
use crate::decode::{adapter, list, map, member, signature, text, value};

pub(crate) fn check(record: &Value) -> Verdict {
    let record = &without_tracebacks(record);
    let mut agent = ReAct::of(&signature(member(record, "signature")?)?, tools(record)?);
    if let Some(turns) = record.get("max_iters").and_then(Value::as_i64) {
        agent = agent.with_max_iters(usize::try_from(turns).unwrap_or(0));
    }
    same_declaration(&agent, list(record, "predictors")?)?;
    let lm = script::lm(record);
    let cx = Context::new(lm.clone()).with_shared_adapter(adapter(text(record, "adapter")?)?);
    let mut run = futures::executor::block_on(cx.run(&agent, map(member(record, "inputs")?)));
    if let Ok(prediction) = &mut run.outcome {
        let trajectory = prediction.values.shift_remove("trajectory").unwrap_or_default();
        if let Some(expected) = record.get("trajectory") {
            same("trajectory", &value(expected), &trajectory)?;
        }
    }
    same_outcome(record, &run.outcome)?;
    script::same_requests(list(record, "requests")?, &lm.requests())
}

/// Whether a program declares the recorded predictors.
pub(crate) fn same_declaration(program: &dyn Module, expected: &[Value]) -> Verdict {
    let declared = named_predictors(program);
    let names = declared.iter().map(|(name, _)| Value::from(name.as_str())).collect();
    let expected_names = expected.iter().map(|predictor| predictor.get("name").cloned().unwrap_or_default());
    same("predictors", &Value::List(expected_names.collect()), &Value::List(names))?;
    for ((name, predict), expected) in declared.iter().zip(expected) {
        let expected = signature(member(expected, "signature")?)?;
        is_declared(predict, &expected).map_err(|difference| format!("{name}: {difference}"))?;
    }
    Ok(())
}

/// The recorded tools, without `finish`, each with its table of results.
pub(crate) fn tools(record: &Value) -> Result<Vec<ToolFn>, String> {
    let recorded = record.get("tools").and_then(Value::as_list).unwrap_or_default();
    let own = recorded.iter().filter(|tool| tool.get("name").and_then(Value::as_str) != Some("finish"));
    own.map(tool).collect()
}

fn tool(record: &Value) -> Result<ToolFn, String> {
    let args = member(record, "args")?.as_map().cloned().unwrap_or_default();
    let schema = predict::map! { "type" => "object", "properties" => args };
    let description = record.get("desc").and_then(Value::as_str).map(str::to_owned);
    let rows = record.get("behaviour").and_then(|behaviour| behaviour.get("table")).and_then(Value::as_list);
    let table = Table(rows.unwrap_or_default().to_vec());
    let tool = ToolFn::from_schema(text(record, "name")?, description, &schema, Arc::new(table));
    same_text("the tool's line", text(record, "str")?, &tool.tool().to_string())?;
    Ok(tool)
}

/// Looks results up by the complete arguments.
struct Table(Vec<Value>);

#[async_trait]
impl ToolHandler for Table {
    async fn call(&self, args: Map) -> Result<Value, ToolError> {
        let args = Value::Map(args);
        let row = self.0.iter().find(|row| row.get("args").is_some_and(|expected| eq::equals(expected, &args)));
        // A KeyError prints its key as Python would write it.
        let key_error = |key: &str| ToolError::new("KeyError", repr::repr(&key.into()));
        let row = row.ok_or_else(|| key_error(&format!("no row {}", repr::repr(&args))))?;
        match row.get("raises").and_then(Value::as_list) {
            Some([Value::Str(class), Value::Str(key)]) if class == "KeyError" => Err(key_error(key)),
            Some([Value::Str(class), Value::Str(message)]) => Err(ToolError::new(class, message)),
            _ => Ok(row.get("returns").map(value).unwrap_or_default()),
        }
    }
}

/// The record without the places where Python's tracebacks were.
fn without_tracebacks(record: &Value) -> Value {
    match record {
        Value::Str(text) => text.replace("<<TRACEBACK>>\n", "").into(),
        Value::List(items) => Value::List(items.iter().map(without_tracebacks).collect()),
        Value::Map(members) => {
            Value::Map(members.iter().map(|(key, member)| (key.clone(), without_tracebacks(member))).collect())
        }
        plain => plain.clone(),
    }
}
