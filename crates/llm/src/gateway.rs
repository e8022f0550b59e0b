//! The gateway: finds the model, asks its provider, keeps the deadlines.

use std::sync::Arc;

use futures::{StreamExt, future};
use host::{Call, Clock, Host, within};

use crate::{
    catalogue::{Catalogue, Model, ProviderName},
    chunk_stream::ChunkStream,
    error::ModelError,
    guard::{Guarded, timeout},
    provider::{
        openai::OpenAi,
        scripted::{Script, Scripted},
    },
    wire::{ChatRequest, Completion, ModelList},
};

/// All models behind one door. It alone knows the providers' keys.
pub struct Gateway {
    catalogue: Catalogue,
    scripted: Scripted,
    openai: Option<OpenAi>,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// The gateway that the settings describe: `llm_models`, `llm_script`, `openai_url`, `openai_path`, `openai_api_key`
    /// and `openai_model`.
    pub async fn from_settings(host: &Host) -> Result<Self, ModelError> {
        let setting = async |name| host.variables.get(name).await.map_err(misconfigured);
        let openai_model = setting("openai_model").await?;
        let openai = match setting("openai_url").await? {
            None => None,
            Some(origin) => {
                let path = setting("openai_path").await?.unwrap_or_else(|| "/v1".to_owned());
                let key = setting("openai_api_key").await?;
                Some(OpenAi::new(host, &origin, &path, key.as_deref())?)
            }
        };
        let catalogue = match setting("llm_models").await? {
            Some(text) => Catalogue::from_json(&text).map_err(misconfigured)?,
            None => Catalogue::built_in(openai_model.as_deref().filter(|_| openai.is_some())),
        };
        let script = match setting("llm_script").await? {
            Some(text) => Script::from_json(&text).map_err(misconfigured)?,
            None => Script::default(),
        };
        let clock = host.clock.clone();
        Ok(Self { catalogue, scripted: Scripted { script, clock: clock.clone() }, openai, clock })
    }

    /// The models that callers may ask for.
    pub fn models(&self) -> ModelList {
        self.catalogue.to_wire()
    }

    /// An answer in one piece, within the deadlines of the model and of `call`.
    pub async fn complete(&self, request: ChatRequest, call: &Call) -> Result<Completion, ModelError> {
        let (model, request) = self.prepare(request)?;
        let limit = model.deadlines.until(call.remaining(self.clock.now())).answer();
        let answer = async {
            match model.provider {
                ProviderName::Scripted => self.scripted.complete(&request).await,
                ProviderName::OpenAi => self.openai()?.complete(request, limit).await,
            }
        };
        within(&*self.clock, limit, answer).await.unwrap_or_else(|_| Err(timeout(limit)))
    }

    /// A streamed answer, within the deadlines of the model and of `call`. An error before its first piece is returned as such,
    /// a later one ends the stream.
    pub async fn stream(&self, request: ChatRequest, call: &Call) -> Result<ChunkStream, ModelError> {
        let wants_usage = request.wants_usage();
        let began = self.clock.now();
        let (model, request) = self.prepare(request)?;
        let deadlines = model.deadlines.until(call.remaining(began));
        let chunks = match model.provider {
            ProviderName::Scripted => self.scripted.stream(&request)?,
            ProviderName::OpenAi => self.openai()?.stream(request, deadlines.head()).await?,
        };
        // The providers always tell the usage, the caller wants it only where it said so.
        let chunks = chunks.filter(move |item| {
            let only_usage = matches!(item, Ok(chunk) if chunk.choices.is_empty() && chunk.usage.is_some());
            future::ready(wants_usage || !only_usage)
        });
        let guarded = Guarded::new(ChunkStream::new(chunks), self.clock.clone(), deadlines, began);
        Ok(ChunkStream::new(guarded))
    }

    fn prepare(&self, mut request: ChatRequest) -> Result<(&Model, ChatRequest), ModelError> {
        let model = self.catalogue.find(&request.model).ok_or(ModelError::UnknownModel)?;
        request.model = model.upstream().to_owned();
        Ok((model, request))
    }

    fn openai(&self) -> Result<&OpenAi, ModelError> {
        let missing = || ModelError::Misconfigured { reason: "llm_models names openai, openai_url is empty".into() };
        self.openai.as_ref().ok_or_else(missing)
    }
}

fn misconfigured(error: impl std::error::Error) -> ModelError {
    ModelError::Misconfigured { reason: error.to_string().into() }
}

#[cfg(test)]
mod tests;
