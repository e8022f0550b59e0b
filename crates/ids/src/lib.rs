//! Typed ids and times, and the names of requests: the words every row, every URL and every log line speaks.
//!
//! An id is a UUIDv7 (RFC 9562, section 5.7) behind a prefix that says what it names: `conv_0199b0f3…`. Two kinds of id
//! are two types, so they cannot be confused, and ids made later sort later. Time and randomness are arguments: this crate
//! reads neither a clock nor an entropy source.

mod correlation;
mod hex;
mod time;
mod trace;

use uuid::Uuid;

pub use crate::{
    correlation::CorrelationId,
    time::{ParseTimestampError, Timestamp},
    trace::TraceContext,
};

/// Why a text is not an id of the wanted kind.
///
/// It is deliberately silent on what exactly was wrong: an id that is not one names nothing, and is answered like any
/// other id that names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct ParseIdError;

/// What all ids have in common; implemented by what [`for_each_id!`] lists alone.
pub trait Id: Copy + std::fmt::Display + std::str::FromStr<Err = ParseIdError> {
    /// What the id's text begins with, without the underscore: `conv`.
    const PREFIX: &'static str;

    /// An id made at `now`, told apart from others of the same millisecond by `random`.
    fn new(now: Timestamp, random: [u8; 10]) -> Self;

    /// When the id was made, to the millisecond.
    fn made_at(self) -> Timestamp;
}

/// Defines the types of ids, each with its prefix.
macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(now, random))
            }

            fn made_at(self) -> Timestamp {
                uuid_time(self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_uuid(text, concat!($prefix, "_")).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

/// All kinds of ids, said once: gives the list to the macro `$make`, which makes something of each.
#[macro_export]
macro_rules! for_each_id {
    ($make:ident) => {
        $make! {
            /// Names a workspace: the tenant that every row, query and cache key belongs to.
            WorkspaceId = "ws",
            /// Names an account.
            UserId = "user",
            /// Names a sign-in: the family of refresh tokens that began with one login.
            SessionId = "sess",
            /// Names a token for one purpose and one use: a new password, the proof of an address, an invitation.
            AccountTokenId = "tok",
            /// Names a letter that is to be sent to somebody.
            NoticeId = "note",
            /// Names a conversation.
            ConversationId = "conv",
            /// Names a message of a conversation.
            MessageId = "msg",
        }
    };
}

for_each_id!(define_ids);

/// Reads `prefix` and 32 lower-case hexadecimal digits: one spelling for each id, so that texts compare as ids do.
fn parse_uuid(text: &str, prefix: &str) -> Result<Uuid, ParseIdError> {
    let digits = text.strip_prefix(prefix).ok_or(ParseIdError)?;
    let canonical = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(ParseIdError);
    }
    Uuid::try_parse(digits).map_err(|_| ParseIdError)
}

fn uuid_v7(now: Timestamp, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now.as_millis().unsigned_abs(), &random).into_uuid()
}

/// The first 48 bits of a UUIDv7 (RFC 9562, section 5.7).
fn uuid_time(uuid: Uuid) -> Timestamp {
    Timestamp::from_millis((uuid.as_u128() >> 80) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = ConversationId::new(NOW, [7; 10]);
        assert!(id.to_string().starts_with("conv_"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.made_at(), NOW);
        assert_eq!(serde_json::from_str::<ConversationId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn ids_made_later_sort_later() {
        let earlier = MessageId::new(NOW, [255; 10]).to_string();
        let later = MessageId::new(Timestamp::from_millis(NOW.as_millis() + 1), [0; 10]).to_string();
        assert!(earlier < later);
    }

    #[test]
    fn only_the_one_spelling_is_an_id() {
        let id = UserId::new(NOW, [1; 10]).to_string();
        for hostile in [
            id.to_uppercase(),
            id.replace("user_", "conv_"),
            format!("{id} "),
            id[..id.len() - 1].to_owned(),
            "user_".to_owned(),
            String::new(),
            "user_' OR 1=1 --".to_owned(),
            format!("user_{}", "é".repeat(16)),
        ] {
            assert_eq!(hostile.parse::<UserId>(), Err(ParseIdError), "{hostile}");
        }
    }
}
