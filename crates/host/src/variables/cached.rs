//! Settings that are read again only now and then: each read is a call of the host, and with Vault one over the network.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ids::Timestamp;

use super::{Variables, VariablesError};
use crate::Clock;

/// Where settings come from.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    /// The present value of `name`; `None` where it is empty or not given to this component.
    async fn read(&self, name: &str) -> Result<Option<String>, VariablesError>;
}

/// How long a value is believed.
const TTL: Duration = Duration::from_secs(30);

/// [`Variables`] that remember what their [`Source`] said. Names are those in the code, so their number is bounded.
pub(crate) struct CachedVariables<S> {
    source: S,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, (Timestamp, Option<String>)>>,
}

impl<S: Source> CachedVariables<S> {
    pub(crate) fn new(source: S, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, known: Mutex::default() }
    }

    fn known(&self, name: &str) -> Option<(Timestamp, Option<String>)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[async_trait]
impl<S: Source> Variables for CachedVariables<S> {
    async fn get(&self, name: &str) -> Result<Option<String>, VariablesError> {
        let now = self.clock.now();
        let known = self.known(name);
        if let Some((since, value)) = &known
            && now.since(*since) < TTL
        {
            return Ok(value.clone());
        }
        let value = match (self.source.read(name).await, known) {
            (Ok(value), _) => value,
            // A provider that is down does not take the deployment with it: what was true a while ago still is.
            (Err(error), Some((_, value))) => {
                tracing::warn!(%error, "a setting could not be read again; its last value is used");
                value
            }
            (Err(error), None) => return Err(error),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), (now, value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::SetClock;

    #[derive(Clone, Default)]
    struct Provider(Arc<Mutex<(u32, Option<String>, bool)>>);

    #[async_trait]
    impl Source for Provider {
        async fn read(&self, name: &str) -> Result<Option<String>, VariablesError> {
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            if state.2 {
                return Err(VariablesError { name: name.to_owned(), reason: "down".to_owned() });
            }
            Ok(state.1.clone())
        }
    }

    #[tokio::test]
    async fn a_setting_is_read_again_after_a_while_and_survives_its_provider() {
        let (provider, clock) = (Provider::default(), Arc::new(SetClock::default()));
        let variables = CachedVariables::new(provider.clone(), clock.clone());
        assert_eq!(variables.get("a").await.unwrap(), None);
        provider.0.lock().unwrap().1 = Some("1".to_owned());
        assert_eq!(variables.get("a").await.unwrap(), None);
        clock.advance(TTL);
        assert_eq!(variables.get("a").await.unwrap().as_deref(), Some("1"));
        assert_eq!(provider.0.lock().unwrap().0, 2);

        provider.0.lock().unwrap().2 = true;
        clock.advance(TTL);
        assert_eq!(variables.get("a").await.unwrap().as_deref(), Some("1"));
        assert!(variables.get("b").await.is_err());
    }
}
