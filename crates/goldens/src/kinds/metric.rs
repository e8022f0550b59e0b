//! Records of kind `metric`: a metric's function, its arguments and its result.

use std::sync::Arc;

use futures::executor::block_on;
use optimize::metric::answer::{AnswerExactMatch, AnswerPassageMatch};
use optimize::metric::text::{dpr_tokens, exact_match, f1, harmonic_f1, hotpot_f1, normalize_text, token_precision};
use optimize::{Case, Metric};
use predict::{Context, Example, Prediction, ScriptedLm, Value, majority, map};

use crate::Verdict;
use crate::compare::same;
use crate::decode::{list, text, value};

/// Calls the function.
pub(crate) fn check(record: &Value) -> Verdict {
    match (call(text(record, "fn")?, list(record, "args")?), record.get("result")) {
        (Ok(found), Some(expected)) => same("result", &number(&value(expected)), &number(&found)),
        (Err(_), None) => Ok(()),
        (Ok(found), None) => Err(format!("the result is {found:?}, expected an error")),
        (Err(error), Some(_)) => Err(format!("unexpected error: {error}")),
    }
}

/// Truth values and integers as floats: scores are compared by Python's `==`, for which `0`, `0.0` and `False` are the
/// same.
fn number(value: &Value) -> Value {
    match value {
        Value::Bool(truth) => Value::Float(f64::from(*truth)),
        other => other.as_f64().map_or_else(|| other.clone(), Value::Float),
    }
}

fn call(function: &str, arguments: &[Value]) -> Result<Value, String> {
    let argument = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
    let text = |index: usize| argument(index).as_str().unwrap_or_default();
    let texts = |index: usize| -> Vec<&str> {
        argument(index).as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect()
    };
    let number = |index: usize| argument(index).as_f64().unwrap_or(f64::NAN);
    let or_error = |score: Option<Value>| score.ok_or_else(|| "there is nothing to compare with".to_owned());
    match function {
        "normalize_text" => Ok(normalize_text(text(0)).into()),
        "EM" => or_error(exact_match(text(0), &texts(1)).map(Value::from)),
        "F1" => or_error(f1(text(0), &texts(1)).map(Value::from)),
        "HotPotF1" => or_error(hotpot_f1(text(0), &texts(1)).map(Value::from)),
        "precision_score" => Ok(token_precision(text(0), text(1)).into()),
        "DPR_normalize" => Ok(dpr_tokens(text(0)).into()),
        "semantic_f1" => Ok(harmonic_f1(number(0), number(1)).into()),
        "majority" => {
            let completions = texts(1).into_iter().map(|answer| map! { text(0) => answer }).collect();
            let elected = majority(&Prediction::from_completions(completions), None);
            or_error(elected.and_then(|elected| elected.get(text(0)).cloned()))
        }
        "answer_exact_match" => {
            let metric = AnswerExactMatch { fraction: argument(2).as_f64().unwrap_or(1.0) };
            score(&metric, argument(0), "answer", argument(1))
        }
        "answer_passage_match" => score(&AnswerPassageMatch, argument(0), "context", argument(1)),
        other => Err(format!("there is no function `{other}`")),
    }
}

fn score(metric: &dyn Metric, answer: &Value, output: &str, predicted: &Value) -> Result<Value, String> {
    let example = Example::new(map! { "answer" => answer.clone() });
    let prediction = Prediction::from(map! { output => predicted.clone() });
    let judge = Context::new(Arc::new(ScriptedLm::default()));
    let case = Case {
        example: &example,
        prediction: &prediction,
        trace: &[],
        bootstrapping: false,
        predictor: None,
        judge: &judge,
    };
    block_on(metric.score(&case)).map(|score| score.value.into()).map_err(|error| error.to_string())
}
