//! Settings from Spin.

use async_trait::async_trait;
use send_wrapper::SendWrapper;
use spin_sdk::variables::{self, Error};

use crate::{VariablesError, variables::Source};

/// The variables that `spin.toml` gives this component.
pub(super) struct SpinVariables;

#[async_trait]
impl Source for SpinVariables {
    async fn read(&self, name: &str) -> Result<Option<String>, VariablesError> {
        match SendWrapper::new(variables::get(name)).await {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(Error::Undefined(_)) => Ok(None),
            Err(error) => Err(VariablesError { name: name.to_owned(), reason: error.to_string() }),
        }
    }
}
