//! Steps of workflows, which are also the tools of agents: what one is, how one is written, and how one is called.
//!
//! `wit/step.wit` is the contract; this crate is that contract in Rust. A step is a type that implements [`Step`]:
//!
//! ```
//! use step::{Context, Descriptor, Effect, Failure, Step};
//!
//! struct Shout;
//!
//! #[derive(serde::Deserialize)]
//! struct Input {
//!     text: String,
//! }
//!
//! impl Step for Shout {
//!     type Input = Input;
//!     type Output = String;
//!
//!     fn describe() -> Descriptor {
//!         Descriptor {
//!             name: "shout".into(),
//!             description: "Puts a text into capital letters.".into(),
//!             input_schema: serde_json::json!({
//!                 "type": "object",
//!                 "properties": {"text": {"type": "string"}},
//!                 "required": ["text"]
//!             }),
//!             output_schema: serde_json::json!({"type": "string"}),
//!             effect: Effect::Pure,
//!         }
//!     }
//!
//!     async fn run(_: Context, input: Input) -> Result<String, Failure> {
//!         Ok(input.text.to_uppercase())
//!     }
//! }
//! ```
//!
//! In a component of its own, `step::provide!(Shout);` exports it. Composed with `step-adapter` it answers over HTTP at
//! `http://step-shout.spin.internal/`, where [`Steps`] calls it.

mod call;
mod failure;
#[cfg(target_family = "wasm")]
mod provide;
mod wire;

use std::future::Future;

use host::Call;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub use crate::provide::{handle, wit_bindgen};
pub use crate::{
    call::{CallError, Steps},
    failure::{Failure, FailureKind},
    wire::{Answer, Invocation},
};

/// What running a step does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: the output depends on the input alone, and may be cached.
    Pure,
    /// It looks at the world and leaves it as it is; running it again is harmless.
    Read,
    /// It changes the world. It is run again only under the same idempotency key.
    Write,
}

/// What a caller, or a model that chooses among tools, has to know of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The name, in kebab-case; the component is deployed as `step-<name>`.
    pub name: String,
    /// What it does and when to use it. A model reads this.
    pub description: String,
    /// The JSON Schema (draft 2020-12) of the input.
    pub input_schema: Value,
    /// The JSON Schema (draft 2020-12) of the output.
    pub output_schema: Value,
    /// What running it does to the world.
    pub effect: Effect,
}

/// Where a run stands, as whoever runs it says: what a [`Call`] does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// The run that this execution belongs to.
    pub run: String,
    /// The name of the step in its run.
    pub step: String,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The same for every try of the same execution.
    pub idempotency_key: String,
}

/// What a step knows of its execution besides its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The workspace on whose behalf the step runs.
    pub workspace: String,
    /// The run that this execution belongs to.
    pub run: String,
    /// The name of the step in its run.
    pub step: String,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The same for every try of the same execution.
    pub idempotency_key: String,
    /// When the caller stops waiting, in milliseconds since 1970-01-01T00:00:00Z, on the clock of the step's host.
    pub deadline_ms: u64,
    /// The W3C `traceparent` of the caller.
    pub traceparent: String,
    /// What names the request in logs and problems.
    pub correlation_id: String,
}

impl Context {
    /// The context of `execution` on behalf of `call`.
    pub fn new(execution: Execution, call: &Call) -> Self {
        let Execution { run, step, attempt, idempotency_key } = execution;
        Self {
            workspace: call.workspace.to_string(),
            run,
            step,
            attempt,
            idempotency_key,
            deadline_ms: u64::try_from(call.deadline.as_millis()).unwrap_or(0),
            traceparent: call.traceparent.to_string(),
            correlation_id: call.correlation_id.to_string(),
        }
    }
}

/// A step, written in Rust.
pub trait Step {
    /// What it works on. What does not read as one fails as [`FailureKind::Invalid`], before [`run`](Self::run) is called.
    type Input: DeserializeOwned;
    /// What it gives.
    type Output: Serialize;

    /// What this step is.
    fn describe() -> Descriptor;

    /// Runs the step once.
    fn run(context: Context, input: Self::Input) -> impl Future<Output = Result<Self::Output, Failure>>;
}

/// Runs `S` on JSON texts, as the world sees it.
///
/// # Errors
///
/// [`FailureKind::Invalid`] where `input` is not JSON or not an `S::Input`, else whatever the step fails with.
pub async fn run_on_json<S: Step>(context: Context, input: &str) -> Result<String, Failure> {
    let input =
        serde_json::from_str(input).map_err(|error| Failure::invalid("input_does_not_fit", error.to_string()))?;
    let output = S::run(context, input).await?;
    serde_json::to_string(&output).map_err(|error| Failure::internal("output_is_not_json", error.to_string()))
}
