//! The step `transform`: gives JSON another shape with an expression.
//!
//! The language is that of workflows: minijinja expressions, without eval, bounded by fuel. It is the smallest real step, and
//! the one to copy: a descriptor, an input type, a pure function.

use minijinja::{Environment, ErrorKind, UndefinedBehavior, context, value::Serde};
use serde::Deserialize;
use serde_json::{Value, json};
use step::{Context, Descriptor, Effect, Failure, Step};

/// How many instructions an expression may take; a loop over 10,000 items fits, an endless one does not.
const FUEL: u64 = 200_000;
/// The longest expression, in bytes.
const MAX_EXPRESSION_BYTES: usize = 8 * 1024;

/// Gives JSON another shape.
pub struct Transform;

/// What `transform` works on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What the expression sees as `value`.
    #[serde(default)]
    value: Value,
    /// The expression: `value.items | map(attribute="name") | list`.
    expression: String,
}

impl Step for Transform {
    type Input = Input;
    type Output = Value;

    fn describe() -> Descriptor {
        Descriptor {
            name: "transform".into(),
            description:
                "Gives JSON another shape: evaluates a minijinja expression over `value` and returns the result.".into(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "value": {"description": "What the expression sees as `value`."},
                    "expression": {
                        "type": "string",
                        "maxLength": MAX_EXPRESSION_BYTES,
                        "description": "For example: value.items | map(attribute=\"name\") | list"
                    }
                },
                "required": ["expression"],
                "additionalProperties": false
            }),
            output_schema: json!({"description": "Whatever the expression gives."}),
            effect: Effect::Pure,
        }
    }

    async fn run(_: Context, input: Input) -> Result<Value, Failure> {
        evaluate(&input.expression, &input.value)
    }
}

/// The value of `expression` where `value` is in scope.
fn evaluate(expression: &str, value: &Value) -> Result<Value, Failure> {
    if expression.len() > MAX_EXPRESSION_BYTES {
        let message = format!("the expression is longer than {MAX_EXPRESSION_BYTES} bytes");
        return Err(Failure::invalid("expression_too_long", message));
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let compiled = environment
        .compile_expression(expression)
        .map_err(|error| Failure::invalid("expression_does_not_parse", error.to_string()))?;
    let result = compiled.eval(context! { value => Serde(value) }).map_err(|error| match error.kind() {
        ErrorKind::OutOfFuel => Failure::invalid("expression_takes_too_long", "the expression takes too many steps"),
        _ => Failure::invalid("expression_failed", error.to_string()),
    })?;
    if result.is_undefined() {
        return Err(Failure::invalid("expression_failed", "the expression names something that is not there"));
    }
    serde_json::to_value(&result).map_err(|error| Failure::invalid("result_is_not_json", error.to_string()))
}

#[cfg(target_family = "wasm")]
step::provide!(Transform);

#[cfg(test)]
mod tests;
