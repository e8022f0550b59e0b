//! Why there is no answer from a model, in words that a caller can act on.

use fault::{Fault, Kind, faults};

use crate::wire::{ErrorBody, ErrorDetail};

/// What was seen at the other side: for the log, never for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reason(String);

impl<T: Into<String>> From<T> for Reason {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Why there is no answer, or no more of it.
///
/// The same enum on both sides of the gateway: [`to_wire`](Self::to_wire) writes it into OpenAI's error envelope,
/// [`from_wire`](Self::from_wire) reads it back. The reasons stay where they were seen; only the variant travels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The catalogue has no such model.
    #[error("there is no model of that name")]
    UnknownModel,
    /// The request is longer than the model can read.
    #[error("the conversation is too long for the model")]
    ContextExceeded,
    /// The provider wants us to slow down.
    #[error("the model's provider is over its limit")]
    RateLimited {
        /// How long the provider wants us to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The provider does not accept our key or our account: a misconfiguration of this deployment.
    #[error("the model's provider does not accept this deployment's credentials")]
    AuthFailed,
    /// The provider understands the request and will not carry it out.
    #[error("the model's provider refused the request")]
    Rejected {
        /// What it said.
        #[source]
        reason: Reason,
    },
    /// No answer, or no next piece of it, in time.
    #[error("the model took too long")]
    Timeout {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The answer broke off before its end.
    #[error("the model's answer broke off")]
    StreamBroken {
        /// How.
        #[source]
        reason: Reason,
    },
    /// The provider cannot be reached, is failing, or answers something that is not an answer.
    #[error("the model is not available")]
    Unavailable {
        /// What was seen.
        #[source]
        reason: Reason,
        /// How long the provider wants us to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The gateway's own settings are wrong.
    #[error("the model gateway is not configured correctly")]
    Misconfigured {
        /// What is wrong with them.
        #[source]
        reason: Reason,
    },
}

impl ModelError {
    /// This error in OpenAI's envelope.
    pub fn to_wire(&self) -> ErrorBody {
        let family = match self.kind() {
            Kind::Invalid => "invalid_request_error",
            _ => "server_error",
        };
        ErrorBody {
            error: ErrorDetail {
                message: self.to_string(),
                family: Some(family.to_owned()),
                param: matches!(self, Self::UnknownModel).then(|| "model".to_owned()),
                code: Some(self.code().into()),
                retry_after_ms: self.retry_after_ms(),
            },
        }
    }

    /// The error that the gateway put into `detail`.
    pub fn from_wire(detail: &ErrorDetail) -> Self {
        let code = detail.code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
        Self::from_code(code, detail.retry_after_ms)
    }

    /// The error of that [code](Fault::code), as it can be told from its code alone.
    pub fn from_code(code: &str, retry_after_ms: Option<u64>) -> Self {
        let reason = || Reason::from("reported by the gateway");
        match code {
            "model_not_found" => Self::UnknownModel,
            "context_exceeded" => Self::ContextExceeded,
            "model_rate_limited" => Self::RateLimited { retry_after_ms },
            "model_auth_failed" => Self::AuthFailed,
            "model_request_rejected" => Self::Rejected { reason: reason() },
            "model_timeout" => Self::Timeout { limit_ms: 0 },
            "model_stream_broken" => Self::StreamBroken { reason: reason() },
            "model_misconfigured" => Self::Misconfigured { reason: reason() },
            _ => Self::Unavailable { reason: reason(), retry_after_ms },
        }
    }
}

faults! { ModelError {
    Self::UnknownModel => Invalid "model_not_found",
    Self::ContextExceeded => Invalid "context_exceeded",
    Self::RateLimited { retry_after_ms } => Unavailable "model_rate_limited" { retry_after_ms: *retry_after_ms },
    Self::AuthFailed => Internal "model_auth_failed",
    Self::Rejected { .. } => Internal "model_request_rejected",
    Self::Timeout { .. } => Unavailable "model_timeout",
    Self::StreamBroken { .. } => Unavailable "model_stream_broken",
    Self::Unavailable { retry_after_ms, .. } => Unavailable "model_unavailable" { retry_after_ms: *retry_after_ms },
    Self::Misconfigured { .. } => Internal "model_misconfigured",
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_survives_the_way_through_the_gateway() {
        let reason = || Reason::from("seen at the provider");
        for error in [
            ModelError::UnknownModel,
            ModelError::ContextExceeded,
            ModelError::RateLimited { retry_after_ms: Some(1500) },
            ModelError::AuthFailed,
            ModelError::Rejected { reason: reason() },
            ModelError::Timeout { limit_ms: 30_000 },
            ModelError::StreamBroken { reason: reason() },
            ModelError::Unavailable { reason: reason(), retry_after_ms: None },
            ModelError::Misconfigured { reason: reason() },
        ] {
            let wire = serde_json::to_string(&error.to_wire()).unwrap();
            assert!(!wire.contains("seen at the provider"), "{wire}");
            let read = ModelError::from_wire(&serde_json::from_str::<ErrorBody>(&wire).unwrap().error);
            assert_eq!(
                (read.code(), read.kind(), read.retry_after_ms()),
                (error.code(), error.kind(), error.retry_after_ms())
            );
        }
    }
}
