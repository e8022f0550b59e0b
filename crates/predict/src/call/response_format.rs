//! The structured output that a model is asked for (DSPy's `JSONAdapter._prepare_response_format`;
//! `docs/prompt-format.md#structured-outputs`).

use std::sync::Arc;

use super::native::tool_calls_field;
use crate::adapter::Adapter;
use crate::lm::{Capabilities, Settings};
use crate::signature::Signature;
use crate::typing::model::{Default as FieldDefault, Extra};
use crate::typing::{ModelField, ModelType, Type};
use crate::value::{Map, Value};

/// The name of the object that holds the outputs.
pub(crate) const OUTPUTS: &str = "DSPyProgramOutputs";

/// Chooses between a schema, which is returned, JSON mode, which goes into the settings, and nothing.
pub(super) fn prepare(
    adapter: &dyn Adapter,
    capabilities: Capabilities,
    signature: &Signature,
    settings: &mut Settings,
) -> Option<Map> {
    if !adapter.structured_output() || !capabilities.response_format {
        return None;
    }
    let open_ended = signature.outputs().any(|field| matches!(&field.ty, Type::Dict(Some(_))));
    let text_tools = !adapter.native_tools() && tool_calls_field(signature).is_some();
    let schema = match open_ended || text_tools || !capabilities.response_schema {
        true => None,
        false => output_schema(signature, adapter.native_tools()),
    };
    match &schema {
        Some(_) => drop(settings.remove("response_format")),
        None => settings.insert("response_format", crate::map! { "type" => "json_object" }),
    }
    schema
}

/// The JSON Schema of a signature's outputs as one closed object, every property required; `None` where a type has none.
/// Tool calls are left out when they travel natively.
#[must_use]
pub fn output_schema(signature: &Signature, native_tools: bool) -> Option<Map> {
    let mut outputs = ModelType::new(OUTPUTS);
    outputs.extra = Extra::Forbid;
    for field in signature.outputs().filter(|field| !native_tools || field.ty != Type::ToolCalls) {
        let mut property = ModelField::new(&field.name, field.ty.clone());
        if !field.default_is_factory {
            property.default = field.default.clone().map(FieldDefault::Value);
        }
        outputs = outputs.with(property);
    }
    let mut schema = Type::Model(Arc::new(outputs)).json_schema()?;
    require_everything(&mut schema);
    Some(schema)
}

/// Makes every property of every object required and closes the objects, in objects, arrays and definitions.
fn require_everything(schema: &mut Map) {
    let is = |schema: &Map, ty: &str| schema.get("type").and_then(Value::as_str) == Some(ty);
    if is(schema, "object") {
        let properties = schema.entry("properties".into()).or_insert_with(|| Value::Map(Map::new()));
        let mut names = Vec::new();
        if let Value::Map(properties) = properties {
            names.extend(properties.keys().cloned());
            each_schema(properties);
        }
        schema.insert("required".into(), names.into());
        schema.insert("additionalProperties".into(), false.into());
    }
    if is(schema, "array")
        && let Some(Value::Map(items)) = schema.get_mut("items")
    {
        require_everything(items);
    }
    for definitions in ["$defs", "definitions"] {
        if let Some(Value::Map(definitions)) = schema.get_mut(definitions) {
            each_schema(definitions);
        }
    }
}

fn each_schema(schemas: &mut Map) {
    for schema in schemas.values_mut() {
        if let Value::Map(schema) = schema {
            require_everything(schema);
        }
    }
}
