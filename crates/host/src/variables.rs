//! The settings of the deployment.

#[cfg(any(test, target_family = "wasm"))]
mod cached;

use async_trait::async_trait;

#[cfg(target_family = "wasm")]
pub(crate) use self::cached::{CachedVariables, Source};

/// Why a setting could not be read. The name is in the text, the value never is.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the setting {name} cannot be read: {reason}")]
pub struct VariablesError {
    /// Which setting.
    pub name: String,
    /// What the host said.
    pub reason: String,
}

/// The settings that `spin.toml` gives this component.
#[async_trait]
pub trait Variables: Send + Sync {
    /// The value of `name`; `None` where it is empty or not given to this component.
    async fn get(&self, name: &str) -> Result<Option<String>, VariablesError>;
}
