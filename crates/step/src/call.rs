//! Calling a step by its name, over service chaining.

use fault::faults;
use host::{Call, Host, Peer, PeerError, Reply};
use serde_json::value::RawValue;

use crate::{Answer, Descriptor, Execution, Failure, Invocation};

/// The most that a step may answer, in bytes.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Why a step could not be asked, as opposed to a [`Failure`] that it answered with.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No step has such a name.
    #[error("{name:?} is not the name of a step")]
    Name {
        /// The name asked for.
        name: String,
    },
    /// The deadline is over, before or during the call.
    #[error("the step {name} did not answer in time")]
    Timeout {
        /// Which step.
        name: String,
    },
    /// It cannot be reached, or what came is no answer: it is not deployed, it crashed, or it said too much.
    #[error("the step {name} gave no answer")]
    NoAnswer {
        /// Which step.
        name: String,
        /// What happened.
        #[source]
        source: PeerError,
    },
}

impl CallError {
    fn of(name: &str, error: PeerError) -> Self {
        let name = name.to_owned();
        match error {
            PeerError::Name { .. } => Self::Name { name },
            PeerError::Timeout { .. } => Self::Timeout { name },
            source => Self::NoAnswer { name, source },
        }
    }
}

faults! { CallError {
    Self::Name { .. } => NotFound "step_not_found",
    Self::Timeout { .. } => Unavailable "step_timeout",
    Self::NoAnswer { .. } => Unavailable "step_unavailable",
} }

/// The steps that are deployed beside us.
#[derive(Clone)]
pub struct Steps {
    host: Host,
}

impl Steps {
    /// The steps that `host` reaches.
    pub fn new(host: Host) -> Self {
        Self { host }
    }

    /// Asks the step `name` what it is.
    ///
    /// # Errors
    ///
    /// [`CallError`], where it could not be asked.
    pub async fn describe(&self, name: &str, call: &Call) -> Result<Descriptor, CallError> {
        self.read(name, self.peer(name).get("/", call).await).await
    }

    /// Runs the step `name` on `input` on behalf of `call`, until its deadline.
    ///
    /// The inner result is the step's own: its output, or the failure that it answered with.
    ///
    /// # Errors
    ///
    /// [`CallError`], where it could not be asked. Whether it had an effect is unknown then.
    pub async fn run(
        &self,
        name: &str,
        execution: Execution,
        input: Box<RawValue>,
        call: &Call,
    ) -> Result<Result<Box<RawValue>, Failure>, CallError> {
        let invocation = serde_json::to_vec(&Invocation { execution, input });
        let invocation = invocation.expect("texts, a number and what is JSON already can be written as JSON");
        match self.read(name, self.peer(name).post("/", invocation, call).await).await? {
            Answer::Output(output) => Ok(Ok(output)),
            Answer::Failure(failure) => Ok(Err(failure)),
        }
    }

    fn peer(&self, name: &str) -> Peer {
        Peer::new(&self.host, &format!("step-{name}"))
    }

    /// What is in a reply of the step `name`, whatever its status: that only repeats what the body says.
    async fn read<T>(&self, name: &str, reply: Result<Reply, PeerError>) -> Result<T, CallError>
    where
        T: serde::de::DeserializeOwned,
    {
        let body = async { reply?.json(MAX_ANSWER_BYTES).await };
        body.await.map_err(|error| CallError::of(name, error))
    }
}

#[cfg(test)]
mod tests;
