//! The settings of the deployment.

use async_trait::async_trait;

/// Why a setting could not be read. The name is in the text, the value never is.
#[derive(Debug, thiserror::Error)]
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
