//! The schemas of DSPy's own types, which are models too.

use super::Generator;
use crate::map;
use crate::typing::Type;
use crate::typing::model::{Extra, ModelField, ModelType};
use crate::value::{Map, Value};

/// What DSPy's schema says of its reasoning type; it goes to models that are asked for structured output.
const REASONING: &str = "Reasoning type in DSPy.\n\nThis type is useful when you want the DSPy output to include the \
    reasoning of the LM. We build this type so that\nDSPy can support the reasoning model and non-reasoning model with the \
    same code.\n\nThis is a str-like type, you can convert a string directly to a Reasoning object, and from DSPy \
    adapters'\nperspective, `Reasoning` is treated as a string.";

impl Generator {
    /// The schema of one of DSPy's own types; `None` for every other type.
    pub(super) fn dspy(&mut self, ty: &Type) -> Option<Map> {
        let text_model = |name: &str, field: &str| ModelType::new(name).field(field, Type::Str);
        let model = match ty {
            Type::Image => ModelType { extra: Extra::Forbid, ..text_model("Image", "url") },
            Type::Audio => {
                ModelType { extra: Extra::Forbid, ..text_model("Audio", "data").field("audio_format", Type::Str) }
            }
            Type::File => {
                let optional = |name| ModelField::new(name, Type::optional(Type::Str)).default(Value::Null);
                let file = ModelType::new("File").with(optional("file_data")).with(optional("file_id"));
                ModelType { extra: Extra::Forbid, ..file.with(optional("filename")) }
            }
            Type::History => {
                let messages = Type::list(Type::dict(Type::Str, Type::Any));
                ModelType { extra: Extra::Forbid, ..ModelType::new("History").field("messages", messages) }
            }
            Type::Code(None) => text_model("Code", "code"),
            Type::Code(Some(language)) => text_model(&format!("Code_{language}"), "code"),
            Type::Reasoning => text_model("Reasoning", "content").doc(REASONING),
            Type::ToolCalls => return self.tool_calls(),
            _ => return None,
        };
        self.define(&model.name, |generator| generator.model(&model))
    }

    fn tool_calls(&mut self) -> Option<Map> {
        let call = ModelType::new("ToolCall").field("name", Type::Str).field("args", Type::dict(Type::Str, Type::Any));
        self.define("ToolCalls", |generator| {
            let items = generator.define("ToolCall", |generator| generator.model(&call))?;
            let list = map! { "items" => items, "title" => "Tool Calls", "type" => "array" };
            Some(map! {
                "properties" => map! { "tool_calls" => list },
                "required" => vec!["tool_calls"],
                "title" => "ToolCalls",
                "type" => "object",
            })
        })
    }
}
