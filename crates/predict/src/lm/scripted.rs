//! A model that answers from a script, for tests and examples.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Capabilities, Lm, LmError, LmErrorKind, LmRequest, LmResponse, Settings};

/// One line of a script.
pub type Reply = Result<LmResponse, LmError>;

/// Answers each request with the next reply of its script and keeps the requests.
///
/// ```
/// use predict::{Lm, LmRequest, ScriptedLm};
///
/// let lm = ScriptedLm::texts(["four"]);
/// let answer = futures::executor::block_on(lm.complete(&LmRequest::default()))?;
/// assert_eq!(answer.first_text(), "four");
/// assert_eq!(lm.requests().len(), 1);
/// # Ok::<(), predict::LmError>(())
/// ```
#[derive(Debug, Default)]
pub struct ScriptedLm {
    model: Option<String>,
    capabilities: Capabilities,
    defaults: Settings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    replies: VecDeque<Reply>,
    requests: Vec<LmRequest>,
}

impl ScriptedLm {
    /// A model with this script.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let state = State { replies: replies.into_iter().collect(), requests: Vec::new() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    /// A model that answers with these texts, one for each request.
    #[must_use]
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::new(texts.into_iter().map(|text| Ok(LmResponse::text(text))))
    }

    /// The same model under another name than `scripted`.
    #[must_use]
    pub fn with_model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// The same model with other capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same model with other default settings.
    #[must_use]
    pub fn with_defaults(mut self, defaults: Settings) -> Self {
        self.defaults = defaults;
        self
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LmRequest> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }
}

#[async_trait]
impl Lm for ScriptedLm {
    fn model(&self) -> &str {
        self.model.as_deref().unwrap_or("scripted")
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn defaults(&self) -> Settings {
        self.defaults.clone()
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.push(request.clone());
        let exhausted = || Err(LmError::new(LmErrorKind::InvalidRequest, "the script has no further reply"));
        state.replies.pop_front().unwrap_or_else(exhausted)
    }
}
