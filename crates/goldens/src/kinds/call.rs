//! Whole calls of modules: what the model is asked, and what is predicted.

use predict::{
    BestOfN, ChainOfThought, Context, Field, Map, Module, MultiChainComparison, Predict, Prediction, Settings,
    Signature, Value,
};

use super::outcome::same_outcome;
use super::script;
use crate::Verdict;
use crate::compare::same_text;
use crate::decode::{adapter, list, map, member, signature, text};

pub(crate) fn check(record: &Value) -> Verdict {
    let declared = list(record, "predictors")?.first().ok_or("the record has no predictor")?;
    let signature = signature(member(declared, "signature")?)?;
    let config = Settings::from(declared.get("config").map(map).unwrap_or_default());
    let module = module(member(record, "module")?, &signature, &config)?;
    let lm = script::lm(record);
    let cx = Context::new(lm.clone()).with_shared_adapter(adapter(text(record, "adapter")?)?);
    let mut inputs = map(member(record, "inputs")?);
    if let Some(completions) = member(record, "module")?.get("completions") {
        inputs.insert("completions".into(), completions.clone());
    }
    let run = futures::executor::block_on(cx.run(module.as_ref(), inputs));
    same_outcome(record, &run.outcome)?;
    script::same_requests(list(record, "requests")?, &lm.requests())
}

fn module(record: &Value, signature: &Signature, config: &Settings) -> Result<Box<dyn Module>, String> {
    let number = |key: &str| {
        let number = record.get(key).and_then(Value::as_i64).and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| format!("the module has no `{key}`"))
    };
    match text(record, "type")? {
        "Predict" => Ok(Box::new(Predict::of(signature.clone()).with_config(config.clone()))),
        "ChainOfThought" => {
            let (base, reasoning) = split(signature, |field| field.is_input() || field.name != "reasoning");
            let reasoning = reasoning.into_iter().next().ok_or("the signature has no reasoning")?;
            let module = ChainOfThought::with_reasoning(base, reasoning).with_config(config.clone());
            is_declared(&module.predict, signature)?;
            Ok(Box::new(module))
        }
        "MultiChainComparison" => {
            let own = |field: &Field| field.name != "rationale" && !field.name.starts_with("reasoning_attempt_");
            let (base, _) = split(signature, own);
            let module = MultiChainComparison::of(base, number("M")?).with_config(config);
            is_declared(&module.predict, signature)?;
            Ok(Box::new(module))
        }
        "BestOfN" => {
            let module = Predict::of(signature.clone()).with_config(config.clone());
            let threshold = record.get("threshold").and_then(Value::as_f64).unwrap_or(f64::INFINITY);
            Ok(Box::new(BestOfN::new(module, number("N")?, one_word, threshold)))
        }
        other => Err(format!("there is no module `{other}`")),
    }
}

/// The recorded reward: 1.0 if the answer has exactly one word, else 0.0.
fn one_word(_: &Map, prediction: &Prediction) -> f64 {
    let words = prediction.text("answer").map_or(0, |answer| answer.split_whitespace().count());
    if words == 1 { 1.0 } else { 0.0 }
}

/// The signature that a module extended, and the fields that it added.
fn split(signature: &Signature, own: impl Fn(&Field) -> bool) -> (Signature, Vec<Field>) {
    let (own, added): (Vec<_>, Vec<_>) = signature.fields().iter().cloned().partition(own);
    (Signature::new(signature.name(), None, own).with_instructions(signature.instructions()), added)
}

/// Whether a module extends its signature as recorded.
pub(crate) fn is_declared(predict: &Predict, expected: &Signature) -> Verdict {
    let told = |signature: &Signature| {
        let line = |field: &Field| {
            format!("{:?} {} {} {} {}", field.kind, field.name, field.ty.name(), field.prefix, field.saved_desc())
        };
        let fields: Vec<_> = signature.fields().iter().map(line).collect();
        format!("{}\n{}", signature.instructions(), fields.join("\n"))
    };
    same_text("signature", &told(expected), &told(predict.signature()))
}
