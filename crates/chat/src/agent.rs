//! Who answers: the agents that conversations may be held with.

use std::{sync::Arc, time::Duration};

use host::{Call, Host, Memory};
use llm::ModelError;

use crate::error::ChatError;

/// The name of the agent that every deployment has.
pub(crate) const DEFAULT: &str = "assistant";

/// How long settings and the catalogue are believed before they are read again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// An agent: a model with instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    /// The model, as the catalogue calls it.
    pub(crate) model: String,
    /// How many tokens the model can read and write in one request.
    pub(crate) context_tokens: u64,
    /// What the model is told before the conversation.
    pub(crate) instructions: Option<String>,
}

/// True where there is an agent called `name`.
pub(crate) fn exists(name: &str) -> bool {
    name == DEFAULT
}

/// `error` as the model's failure to answer for an agent: that the catalogue lacks the agent's model is no fault of the
/// caller, who did not choose it.
pub(crate) fn not_the_callers(error: ModelError) -> ModelError {
    match error {
        ModelError::UnknownModel => {
            ModelError::Misconfigured { reason: "the agent's model is not in the catalogue".into() }
        }
        error => error,
    }
}

/// The agents as this instance knows them.
pub(crate) struct Directory {
    known: Memory<(), Arc<Agent>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self { known: Memory::new(1) }
    }
}

impl Directory {
    /// The agent called `name`.
    pub(crate) async fn find(
        &self,
        name: &str,
        host: &Host,
        llm: &llm::Client,
        call: &Call,
    ) -> Result<Arc<Agent>, ChatError> {
        if !exists(name) {
            return Err(ChatError::UnknownAgent);
        }
        let load = async { load(host, llm, call).await.map(Arc::new) };
        self.known.get_or(&*host.clock, host.now(), &(), FRESH_FOR, load).await
    }
}

/// The default agent: `default_model` (or the first of the catalogue) with `assistant_instructions`.
async fn load(host: &Host, llm: &llm::Client, call: &Call) -> Result<Agent, ChatError> {
    let wanted = host.variables.get("default_model").await?;
    let instructions = host.variables.get("assistant_instructions").await?;
    let models = llm.models(call).await?.data;
    let model = models.into_iter().find(|model| wanted.as_ref().is_none_or(|wanted| model.id == *wanted));
    // What the caller did is in order; it is the setting that names nothing.
    let missing = || ModelError::Misconfigured { reason: "default_model is not in the catalogue".into() };
    let model = model.ok_or_else(missing)?;
    Ok(Agent { model: model.id, context_tokens: model.context_tokens, instructions })
}
