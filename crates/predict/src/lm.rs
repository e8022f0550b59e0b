//! The port to language models: what is asked, what comes back, and a model that answers from a script.

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

mod error;
mod request;
mod response;
mod scripted;
mod settings;

pub use error::{LmError, LmErrorKind};
pub use request::LmRequest;
pub use response::{Choice, Chunk, LmResponse, Usage};
pub use scripted::{Reply, ScriptedLm};
pub use settings::Settings;

/// What a model can do beyond text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// It takes `response_format`.
    pub response_format: bool,
    /// It takes a JSON Schema as `response_format`.
    pub response_schema: bool,
    /// It takes `tools` and answers with tool calls.
    pub function_calling: bool,
    /// It reasons natively and takes `reasoning_effort`.
    pub reasoning: bool,
}

/// The pieces of a streamed reply.
pub type LmStream = BoxStream<'static, Result<Chunk, LmError>>;

/// A language model. It is an argument of every call that needs one; nothing is global.
#[async_trait]
pub trait Lm: Send + Sync {
    /// The model's name, with its provider: `openai/gpt-4o-mini`.
    fn model(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// The settings that every request to it starts from; those of the request win.
    fn defaults(&self) -> Settings {
        Settings::default()
    }

    /// Asks for one reply, or for `n` of them.
    ///
    /// # Errors
    /// When the model cannot be reached or refuses; [`LmError::is_retryable`] says whether a retry makes sense.
    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError>;

    /// Asks for one reply piece by piece. A model that cannot stream gives it whole, as a single piece.
    ///
    /// # Errors
    /// As [`Lm::complete`]; the stream itself may fail later as well.
    async fn stream(&self, request: &LmRequest) -> Result<LmStream, LmError> {
        let response = self.complete(request).await?;
        Ok(stream::iter([Ok(Chunk::Text(response.first_text())), Ok(Chunk::Done(response))]).boxed())
    }
}
