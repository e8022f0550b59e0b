//! Signatures and predictors as our own files hold them: with names, types and settings.

use super::lm_state::LmState;
use super::own::FileError;
use super::own_value::{decode, decode_map, encode, encode_map};
use super::types::{self, list, object, optional_text, text};
use crate::call::Feedback;
use crate::example::Example;
use crate::lm::Settings;
use crate::modules::{FrozenParts, Predict};
use crate::signature::{Field, Signature};
use crate::value::{Map, Value};

/// Settings that say where a request goes or who pays for it; a file from elsewhere does not get to.
const FORBIDDEN: [&str; 10] = [
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "model_list",
    "headers",
    "extra_headers",
    "custom_llm_provider",
    "organization",
    "extra_body",
];

pub(super) fn encode_predict(predict: &Predict) -> Map {
    let demos = |demos: &[Example]| Value::List(demos.iter().map(|demo| encode_demo(demo).into()).collect());
    let lm = predict.lm.as_ref().map(|lm| {
        crate::map! { "model" => lm.model.as_str(), "settings" => encode_map(lm.settings.as_map()) }
    });
    crate::map! {
        "signature" => encode_signature(predict.signature()),
        "demos" => demos(&predict.demos),
        "config" => encode_map(predict.config.as_map()),
        "lm" => lm,
        "frozen" => crate::map! {
            "preamble" => predict.frozen.preamble.clone(),
            "postscript" => predict.frozen.postscript.clone(),
            "demos" => demos(&predict.frozen.demos),
        },
        "feedback" => crate::map! { "budget" => predict.feedback.budget },
    }
}

fn encode_demo(demo: &Example) -> Map {
    crate::map! { "values" => encode_map(&demo.values), "inputs" => demo.input_keys.clone() }
}

fn encode_signature(signature: &Signature) -> Map {
    let field = |field: &Field| {
        let mut encoded = crate::map! {
            "name" => field.name.as_str(),
            "kind" => if field.is_input() { "input" } else { "output" },
            "type" => types::encode(&field.ty),
            "desc" => field.desc.clone(),
            "prefix" => field.prefix.as_str(),
            "constraints" => field.constraints.clone(),
        };
        let key = if field.default_is_factory { "default_factory" } else { "default" };
        encoded.extend(field.default.as_ref().map(|default| (key.to_owned(), encode(default))));
        encoded
    };
    crate::map! {
        "name" => signature.name(),
        "instructions" => signature.instructions(),
        "fields" => signature.fields().iter().map(field).collect::<Vec<_>>(),
    }
}

/// A predictor as the file has it. Checks are code and are not in it.
pub(super) fn decode_predict(value: &Value) -> Result<Predict, FileError> {
    let encoded = object(value, "a predictor")?;
    let part = |key: &str| encoded.get(key).ok_or_else(|| FileError::missing(key));
    let frozen = object(part("frozen")?, "frozen")?;
    let budget = part("feedback")?.get("budget").and_then(Value::as_i64).and_then(|budget| u32::try_from(budget).ok());
    let mut predict = Predict::of(decode_signature(object(part("signature")?, "signature")?)?)
        .with_demos(decode_demos(encoded)?)
        .with_config(settings(part("config")?)?)
        .with_feedback(Feedback::new(budget.ok_or_else(|| FileError::missing("budget"))?))
        .with_frozen(FrozenParts {
            preamble: optional_text(frozen, "preamble"),
            postscript: optional_text(frozen, "postscript"),
            demos: decode_demos(frozen)?,
        });
    if let Value::Map(lm) = part("lm")? {
        let mut state = LmState::new(text(lm, "model")?);
        state.settings = settings(lm.get("settings").ok_or_else(|| FileError::missing("settings"))?)?;
        predict.lm = Some(state);
    }
    Ok(predict)
}

fn settings(value: &Value) -> Result<Settings, FileError> {
    let settings = decode_map(object(value, "settings")?)?;
    match settings.keys().find(|key| FORBIDDEN.contains(&key.as_str())) {
        Some(key) => Err(FileError::invalid(format!("a file may not set `{key}`"))),
        None => Ok(settings.into()),
    }
}

fn decode_demos(map: &Map) -> Result<Vec<Example>, FileError> {
    let demo = |value: &Value| {
        let demo = object(value, "a demo")?;
        let values = decode_map(object(demo.get("values").ok_or_else(|| FileError::missing("values"))?, "values")?)?;
        let keys = demo.get("inputs").and_then(Value::as_list);
        let keys = keys.map(|keys| keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect());
        Ok(Example { values, input_keys: keys })
    };
    list(map, "demos")?.iter().map(demo).collect()
}

fn decode_signature(encoded: &Map) -> Result<Signature, FileError> {
    let field = |value: &Value| {
        let encoded = object(value, "a field")?;
        let ty = types::decode(encoded.get("type").ok_or_else(|| FileError::missing("type"))?)?;
        let mut field = match text(encoded, "kind")? {
            "input" => Field::input(text(encoded, "name")?, ty),
            "output" => Field::output(text(encoded, "name")?, ty),
            other => return Err(FileError::invalid(format!("`{other}` is no kind of field"))),
        };
        field.desc = optional_text(encoded, "desc");
        field.prefix = text(encoded, "prefix")?.to_owned();
        field.constraints = optional_text(encoded, "constraints");
        field.default_is_factory = encoded.contains_key("default_factory");
        let default = encoded.get("default_factory").or_else(|| encoded.get("default"));
        field.default = default.map(decode).transpose()?;
        Ok(field)
    };
    let fields = list(encoded, "fields")?.iter().map(field).collect::<Result<Vec<_>, FileError>>()?;
    let mut names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(FileError::invalid("a signature has no two fields of one name"));
    }
    // Given apart from the fields, because empty instructions stay empty.
    Ok(Signature::new(text(encoded, "name")?, None, fields).with_instructions(text(encoded, "instructions")?))
}
