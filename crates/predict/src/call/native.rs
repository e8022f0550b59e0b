//! What a model can do itself, the prompt need not ask for: native tool calls and native reasoning take their fields out
//! of the signature (DSPy's `Adapter._call_preprocess`; `docs/prompt-format.md#native-tool-calls` and
//! `docs/prompt-format.md#native-reasoning`).

use crate::adapter::Adapter;
use crate::lm::{Capabilities, Settings};
use crate::signature::{Field, Signature};
use crate::tool::Tool;
use crate::typing::Type;
use crate::value::{Map, Value};

/// The settings that speak of tools.
const TOOL_SETTINGS: [&str; 3] = ["tools", "tool_choice", "parallel_tool_calls"];

/// The model that a call goes to.
pub(super) struct Target<'a> {
    pub(super) model: &'a str,
    pub(super) capabilities: Capabilities,
    /// What the request starts from; the call's own settings win over it.
    pub(super) defaults: &'a Settings,
}

/// Moves what the model does natively from the signature into the settings.
pub(super) fn prepare(
    adapter: &dyn Adapter,
    target: &Target<'_>,
    signature: &Signature,
    inputs: &Map,
    settings: &mut Settings,
) -> Result<Signature, String> {
    let signature = tools(adapter, target, signature.clone(), inputs, settings)?;
    Ok(reasoning(target, signature, settings))
}

fn tools(
    adapter: &dyn Adapter,
    target: &Target<'_>,
    signature: Signature,
    inputs: &Map,
    settings: &mut Settings,
) -> Result<Signature, String> {
    let Some(calls) = adapter.native_tools().then(|| tool_calls_field(&signature)).flatten().map(str::to_owned) else {
        if !adapter.native_tools() {
            TOOL_SETTINGS.iter().for_each(|name| drop(settings.remove(name)));
        }
        return Ok(signature);
    };
    let Some(tools) = tools_field(&signature).map(str::to_owned) else {
        return Err(format!("its output `{calls}` receives tool calls, but no input of type list[Tool] offers tools"));
    };
    if !target.capabilities.function_calling {
        TOOL_SETTINGS.iter().for_each(|name| drop(settings.remove(name)));
        return Ok(signature);
    }
    let given = inputs.get(&tools).ok_or_else(|| format!("its input `{tools}` is missing"))?;
    let given = given.as_list().unwrap_or(std::slice::from_ref(given));
    settings.insert("tools", Value::List(given.iter().map(|tool| function(tool, &tools)).collect::<Result<_, _>>()?));
    Ok(signature.delete(&calls).delete(&tools))
}

fn reasoning(target: &Target<'_>, signature: Signature, settings: &mut Settings) -> Signature {
    let fields: Vec<_> =
        signature.outputs().filter(|field| field.ty == Type::Reasoning).map(|f| f.name.clone()).collect();
    fields.iter().fold(signature, |signature, name| {
        let asked = settings.get("reasoning_effort").or_else(|| target.defaults.get("reasoning_effort"));
        let effort = asked.cloned().unwrap_or_else(|| "low".into());
        // The chat API of the GPT-5 family hides its reasoning, so that nothing could be taken from the reply.
        let hidden = target.model.contains("gpt-5");
        if effort.is_null() || hidden || !target.capabilities.reasoning {
            return signature;
        }
        settings.insert("reasoning_effort", effort);
        signature.delete(name)
    })
}

/// The output that receives tool calls. An optional one does not count, as in DSPy.
pub(super) fn tool_calls_field(signature: &Signature) -> Option<&str> {
    name_of(signature.outputs(), |ty| *ty == Type::ToolCalls)
}

fn tools_field(signature: &Signature) -> Option<&str> {
    name_of(signature.inputs(), |ty| *ty == Type::Tool || *ty == Type::list(Type::Tool))
}

fn name_of<'a>(mut fields: impl Iterator<Item = &'a Field>, fits: impl Fn(&Type) -> bool) -> Option<&'a str> {
    fields.find(|field| fits(&field.ty)).map(|field| field.name.as_str())
}

fn function(value: &Value, field: &str) -> Result<Value, String> {
    match value {
        Value::Tool(tool) => Ok(function_of(tool)),
        _ => Err(format!("its input `{field}` holds something that is no tool")),
    }
}

/// A tool in OpenAI's form.
pub(crate) fn function_of(tool: &Tool) -> Value {
    let required: Vec<&str> =
        tool.args.iter().filter(|(_, schema)| schema.get("default").is_none()).map(|(name, _)| name.as_str()).collect();
    let parameters = crate::map! { "type" => "object", "properties" => tool.args.clone(), "required" => required };
    let function = crate::map! {
        "name" => tool.name.as_str(),
        "description" => tool.description.clone(),
        "parameters" => parameters,
    };
    Value::Map(crate::map! { "type" => "function", "function" => function })
}
