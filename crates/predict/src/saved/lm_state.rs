//! The model that a predictor was saved with, without secrets and addresses.

use super::dspy::LoadError;
use crate::lm::Settings;
use crate::python::repr::repr;
use crate::value::{Map, Value};

const CLASS_KEY: &str = "_dspy_lm_class";
/// The only class that a file may name: everything else would be code of the file's choice.
const CLASS: &str = "dspy.clients.lm.LM";
/// Where requests would go. A file does not get to say that, and a secret does not belong into one.
const UNSAFE_KEYS: [&str; 4] = ["api_base", "base_url", "model_list", "api_key"];
const ENGINES: [&str; 3] = ["auto", "lm15", "litellm"];

/// A model by name with its default settings, as DSPy writes it into a file.
#[derive(Debug, Clone, PartialEq)]
pub struct LmState {
    /// The model with its provider: `openai/gpt-4o-mini`.
    pub model: String,
    /// The provider's interface: `chat`, `text` or `responses`.
    pub model_type: String,
    /// Whether answers may come from a cache.
    pub cache: bool,
    /// How often a request that failed in passing is made again.
    pub num_retries: u64,
    /// The default settings; DSPy writes `temperature` and `max_tokens` first, `null` when they are not set.
    pub settings: Settings,
    /// What DSPy alone reads: the engine, and settings of fine-tuning.
    pub(crate) rest: Rest,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rest {
    engine: Option<String>,
    finetuning_model: Value,
    launch_kwargs: Value,
    train_kwargs: Value,
    use_developer_role: bool,
}

impl LmState {
    /// A model with DSPy's defaults and no settings.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        let settings = Settings::new().set("temperature", Value::Null).set("max_tokens", Value::Null);
        let rest = Rest {
            engine: None,
            finetuning_model: Value::Null,
            launch_kwargs: Map::new().into(),
            train_kwargs: Map::new().into(),
            use_developer_role: false,
        };
        Self { model: model.into(), model_type: "chat".into(), cache: true, num_retries: 3, settings, rest }
    }

    /// The state as DSPy writes it.
    #[must_use]
    pub fn to_map(&self) -> Map {
        let mut state = crate::map! {
            CLASS_KEY => CLASS,
            "model" => self.model.as_str(),
            "model_type" => self.model_type.as_str(),
            "cache" => self.cache,
            "num_retries" => self.num_retries,
        };
        let mut settings = self.settings.as_map().clone();
        // DSPy keeps this setting under another name for models that reason, and writes it last.
        let last = is_reasoning_model(&self.model).then(|| settings.shift_remove("max_tokens")).flatten();
        state.extend(settings);
        if let Some(engine) = &self.rest.engine {
            state.insert("engine".into(), engine.as_str().into());
        }
        state.insert("finetuning_model".into(), self.rest.finetuning_model.clone());
        state.insert("launch_kwargs".into(), self.rest.launch_kwargs.clone());
        state.insert("train_kwargs".into(), self.rest.train_kwargs.clone());
        if self.rest.use_developer_role {
            state.insert("use_developer_role".into(), true.into());
        }
        state.extend(last.map(|tokens| ("max_tokens".to_owned(), tokens)));
        state
    }

    /// Reads what DSPy writes; addresses and secrets are dropped.
    ///
    /// # Errors
    /// When the state names another class, no model, or settings that the model does not take.
    pub fn from_map(mut state: Map) -> Result<Self, LoadError> {
        state.retain(|key, _| !UNSAFE_KEYS.contains(&key.as_str()));
        if let Some(class) = state.shift_remove(CLASS_KEY) {
            let class = class.as_str().unwrap_or_default();
            if class != CLASS {
                return Err(LoadError::ForeignLm { class: class.to_owned() });
            }
            // DSPy's class mends this for itself; a state without a class is given to the constructor as it is.
            let tokens = reasoning_tokens(&mut state);
            state.extend(tokens.map(|tokens| ("max_tokens".to_owned(), tokens)));
        }
        let model = match state.shift_remove("model") {
            None => return Err(LoadError::Type("the model of an LM state is missing".into())),
            Some(Value::Str(model)) => model,
            Some(_) => return Err(invalid("its model must be a non-empty string")),
        };
        if model.is_empty() || model.split_once('/').is_some_and(|(_, rest)| rest.is_empty()) {
            return Err(invalid(format!("its model {} has no model id", repr(&model.as_str().into()))));
        }
        let mut lm = Self::new(model);
        lm.take_known(&mut state)?;
        let mut settings = crate::map! {
            "temperature" => state.shift_remove("temperature"),
            "max_tokens" => state.shift_remove("max_tokens"),
        };
        settings.extend(state.into_iter().filter(|(key, value)| key != "rollout_id" || !value.is_null()));
        lm.settings = settings.into();
        lm.check()?;
        Ok(lm)
    }

    fn take_known(&mut self, state: &mut Map) -> Result<(), LoadError> {
        if let Some(Value::Str(model_type)) = state.shift_remove("model_type") {
            self.model_type = model_type;
        }
        if let Some(cache) = state.shift_remove("cache") {
            self.cache = cache.as_bool().unwrap_or(true);
        }
        if let Some(retries) = state.shift_remove("num_retries") {
            let retries = retries.as_i64().and_then(|retries| u64::try_from(retries).ok());
            self.num_retries = retries.ok_or_else(|| invalid("its num_retries must be a nonnegative integer"))?;
        }
        match state.shift_remove("engine") {
            None => {}
            Some(Value::Str(engine)) if ENGINES.contains(&engine.as_str()) => {
                self.rest.engine = Some(engine).filter(|engine| engine != "auto");
            }
            Some(Value::Str(engine)) => return Err(invalid(format!("it names an unknown engine, {engine}"))),
            Some(_) => return Err(LoadError::Type("an LM state may not name code as its engine".into())),
        }
        self.rest.finetuning_model = state.shift_remove("finetuning_model").unwrap_or_default();
        for (key, place) in
            [("launch_kwargs", &mut self.rest.launch_kwargs), ("train_kwargs", &mut self.rest.train_kwargs)]
        {
            // An absent value and an empty one are both written as an empty object.
            *place = state.shift_remove(key).filter(|value| !value.is_null()).unwrap_or_else(|| Map::new().into());
        }
        self.rest.use_developer_role = state.shift_remove("use_developer_role") == Some(Value::Bool(true));
        Ok(())
    }

    /// What DSPy's constructor refuses.
    fn check(&self) -> Result<(), LoadError> {
        if !is_reasoning_model(&self.model) {
            return Ok(());
        }
        if self.settings.get("max_completion_tokens").is_some() {
            return Err(LoadError::Type("max_completion_tokens is given twice".into()));
        }
        let set = |name| self.settings.number(name).filter(|number| *number != 0.0);
        let hot = set("temperature").is_some_and(|temperature| temperature != 1.0);
        if hot || set("max_tokens").is_some_and(|tokens| tokens < 16_000.0) {
            let reason = "models that reason take temperature 1.0 or none, and at least 16000 tokens or none";
            return Err(LoadError::Configuration(format!("{}: {reason}", self.model)));
        }
        Ok(())
    }
}

/// Takes the other name of `max_tokens` out; gives its value where `max_tokens` is not there itself.
fn reasoning_tokens(state: &mut Map) -> Option<Value> {
    let reasons = state.get("model").and_then(Value::as_str).is_some_and(is_reasoning_model);
    let tokens = reasons.then(|| state.shift_remove("max_completion_tokens")).flatten();
    tokens.filter(|_| !state.contains_key("max_tokens"))
}

fn invalid(reason: impl Into<String>) -> LoadError {
    LoadError::InvalidLm { reason: reason.into() }
}

/// Whether DSPy takes the model for one of OpenAI's that reason: `o1`, `o3-mini`, `gpt-5.1-codex`, but not `gpt-5-chat`.
fn is_reasoning_model(model: &str) -> bool {
    let family = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    if let Some(rest) = family.strip_prefix('o').and_then(|rest| rest.strip_prefix(['1', '3', '4', '5'])) {
        let rest = ["-mini", "-nano", "-pro"].iter().find_map(|size| rest.strip_prefix(size)).unwrap_or(rest);
        return rest.is_empty() || is_date(rest);
    }
    let Some(mut rest) = family.strip_prefix("gpt-5") else { return false };
    // `(?:\.\d+)*` backs up over a version to find an end that is none of `-chat`; only a dash or the end may follow.
    while let Some(version) = rest.strip_prefix('.') {
        let end = version.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(version.len());
        if end == 0 {
            return false;
        }
        rest = &version[end..];
    }
    rest.is_empty() || rest.starts_with('-') && !rest.starts_with("-chat")
}

/// `-2024-12-17`.
fn is_date(text: &str) -> bool {
    let pattern = "-dddd-dd-dd";
    text.len() == pattern.len()
        && text
            .chars()
            .zip(pattern.chars())
            .all(|(ch, place)| if place == 'd' { ch.is_ascii_digit() } else { ch == place })
}
