//! Which models there are, who provides them, and how long they may take.

use std::time::Duration;

use serde::Deserialize;

use crate::wire::{ModelEntry, ModelList};

/// The name of the model that needs no provider.
pub(crate) const SCRIPTED: &str = "scripted";

/// The models that callers may ask for. The first one is what a caller gets that has no wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue(Vec<Model>);

/// A model of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What callers call it.
    pub name: String,
    /// Who provides it.
    pub provider: ProviderName,
    /// What its provider calls it, where that is another name.
    #[serde(default)]
    upstream: Option<String>,
    /// How many tokens it can read and write in one request.
    #[serde(default = "context_tokens")]
    pub context_tokens: u64,
    /// How long it may take.
    #[serde(default)]
    pub deadlines: Deadlines,
}

impl Model {
    /// What its provider calls it.
    pub fn upstream(&self) -> &str {
        self.upstream.as_deref().unwrap_or(&self.name)
    }
}

/// Who provides a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, Deserialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ProviderName {
    /// Any server that speaks OpenAI's Chat Completions.
    OpenAi,
    /// Rules instead of a model: offline and deterministic.
    Scripted,
}

/// How long a model may take. Each is at most [`Deadlines::LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// For the first sign of a streamed answer, in milliseconds.
    pub head_ms: u64,
    /// Between two pieces of a streamed answer, in milliseconds.
    pub stall_ms: u64,
    /// For the whole answer, in milliseconds.
    pub answer_ms: u64,
}

impl Deadlines {
    /// What callers of the gateway are prepared to wait for.
    pub const LONGEST: Duration = Duration::from_secs(600);

    pub(crate) fn head(self) -> Duration {
        Duration::from_millis(self.head_ms)
    }

    pub(crate) fn stall(self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }

    pub(crate) fn answer(self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }

    /// These deadlines for a caller who waits no longer than `limit`.
    pub(crate) fn until(self, limit: Duration) -> Self {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Self { answer_ms: self.answer_ms.min(limit_ms), head_ms: self.head_ms.min(limit_ms), ..self }
    }

    fn are_in_range(self) -> bool {
        let longest = u64::try_from(Self::LONGEST.as_millis()).unwrap_or(u64::MAX);
        [self.head_ms, self.stall_ms, self.answer_ms].iter().all(|limit| (1..=longest).contains(limit))
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        // Reasoning models are silent for a minute and more before they say the first word.
        Self { head_ms: 120_000, stall_ms: 60_000, answer_ms: 600_000 }
    }
}

/// Why the setting `llm_models` is not a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not the JSON that it should be.
    #[error("llm_models is not a list of models: {0}")]
    Json(#[from] serde_json::Error),
    /// It names no model.
    #[error("llm_models names no model")]
    Empty,
    /// Two models have the same name.
    #[error("llm_models names the model {0} twice")]
    Duplicate(String),
    /// A model has no context, or a deadline that nobody would wait for.
    #[error("the model {0} in llm_models has a context or a deadline that is out of range")]
    OutOfRange(String),
}

impl Catalogue {
    /// The catalogue that the setting `llm_models` describes: a JSON array of models.
    pub fn from_json(text: &str) -> Result<Self, CatalogueError> {
        let models: Vec<Model> = serde_json::from_str(text)?;
        if models.is_empty() {
            return Err(CatalogueError::Empty);
        }
        for (position, model) in models.iter().enumerate() {
            if models[..position].iter().any(|earlier| earlier.name == model.name) {
                return Err(CatalogueError::Duplicate(model.name.clone()));
            }
            if model.context_tokens == 0 || !model.deadlines.are_in_range() {
                return Err(CatalogueError::OutOfRange(model.name.clone()));
            }
        }
        Ok(Self(models))
    }

    /// The catalogue of a deployment that sets none: `openai_model` of the OpenAI-compatible server if there is one, and the
    /// scripted model.
    pub fn built_in(openai_model: Option<&str>) -> Self {
        let model = |name: &str, provider| Model {
            name: name.to_owned(),
            provider,
            upstream: None,
            context_tokens: context_tokens(),
            deadlines: Deadlines::default(),
        };
        let mut models: Vec<Model> = openai_model.map(|name| model(name, ProviderName::OpenAi)).into_iter().collect();
        models.push(model(SCRIPTED, ProviderName::Scripted));
        Self(models)
    }

    /// The model called `name`.
    pub fn find(&self, name: &str) -> Option<&Model> {
        self.0.iter().find(|model| model.name == name)
    }

    /// Who provides its models.
    pub(crate) fn providers(&self) -> impl Iterator<Item = ProviderName> {
        self.0.iter().map(|model| model.provider)
    }

    /// The catalogue as `GET /v1/models` shows it.
    pub fn to_wire(&self) -> ModelList {
        let entry = |model: &Model| ModelEntry {
            id: model.name.clone(),
            object: "model".to_owned(),
            created: 0,
            owned_by: model.provider.to_string(),
            context_tokens: model.context_tokens,
        };
        ModelList { object: "list".to_owned(), data: self.0.iter().map(entry).collect() }
    }
}

/// What the common models of 2026 can read at least.
fn context_tokens() -> u64 {
    128_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_names_models_of_any_provider() {
        let catalogue = Catalogue::from_json(
            r#"[{"name":"small","provider":"openai","upstream":"gpt-4o-mini","context_tokens":8192,
                 "deadlines":{"stall_ms":500}},
                {"name":"scripted","provider":"scripted"}]"#,
        )
        .unwrap();
        let small = catalogue.find("small").unwrap();
        assert_eq!((small.upstream(), small.context_tokens), ("gpt-4o-mini", 8192));
        assert_eq!(small.deadlines, Deadlines { stall_ms: 500, ..Deadlines::default() });
        assert_eq!(catalogue.find("scripted").unwrap().upstream(), "scripted");
        assert_eq!(catalogue.find("gpt-4o-mini"), None);
    }

    #[test]
    fn a_wrong_catalogue_is_refused_with_its_reason() {
        for (text, reason) in [
            ("{}", "not a list"),
            ("[]", "no model"),
            (r#"[{"name":"a","provider":"oracle"}]"#, "unknown variant"),
            (r#"[{"name":"a","provider":"openai","contxt":1}]"#, "contxt"),
            (r#"[{"name":"a","provider":"openai"},{"name":"a","provider":"scripted"}]"#, "twice"),
            (r#"[{"name":"a","provider":"openai","context_tokens":0}]"#, "out of range"),
            (r#"[{"name":"a","provider":"openai","deadlines":{"answer_ms":600001}}]"#, "out of range"),
        ] {
            let error = Catalogue::from_json(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn without_settings_there_is_the_scripted_model() {
        assert!(Catalogue::built_in(None).find("scripted").is_some());
        assert!(Catalogue::built_in(Some("gpt-4o")).find("gpt-4o").is_some());
    }
}
