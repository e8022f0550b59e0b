//! What names a request in logs and problems, in every component that works on it.

use std::{fmt, sync::Arc};

use crate::{Id, hex::Hex};

/// The longest correlation id that is taken from a client, in bytes.
const MAX_BYTES: usize = 128;

/// What names a request for people: 1 to 128 harmless ASCII characters. Cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// `text`, unless it could do harm in a log, a header or a shell.
    pub fn parse(text: &str) -> Option<Self> {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:/+=@".contains(&byte);
        let accepted = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(harmless);
        accepted.then(|| Self(text.into()))
    }

    /// A new one, for a request that brought none: `req_` and 32 hexadecimal digits.
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("req_{}", Hex(&random)).into())
    }

    /// Names work that no request asked for by what it is done to.
    pub fn of(id: impl Id) -> Self {
        Self(id.to_string().into())
    }

    /// Stands for the id of a request that got no further than an instance that could not start.
    pub fn none() -> Self {
        Self("none".into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageId, Timestamp};

    #[test]
    fn what_could_do_harm_is_no_correlation_id() {
        for harmful in ["", " ", "a b", "a\"b", "<script>", "a\tb", "a\r\nb", "é", &"x".repeat(129)] {
            assert_eq!(CorrelationId::parse(harmful), None, "{harmful}");
        }
        for harmless in ["a-1", "req_0102", "urn:uuid:1/2+3=4@5~6.7", &"x".repeat(128)] {
            assert_eq!(CorrelationId::parse(harmless).unwrap().as_str(), harmless);
        }
    }

    #[test]
    fn those_that_are_made_here_would_be_taken_from_a_client_too() {
        let message = MessageId::new(Timestamp::from_millis(1_764_000_000_000), [7; 10]);
        for made in [CorrelationId::new([255; 16]), CorrelationId::of(message), CorrelationId::none()] {
            assert_eq!(CorrelationId::parse(made.as_str()), Some(made));
        }
        assert_eq!(CorrelationId::new([1; 16]).as_str(), "req_01010101010101010101010101010101");
    }
}
