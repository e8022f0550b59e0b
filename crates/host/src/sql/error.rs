//! What can go wrong with a statement, in words that a caller can act on, although Spin loses or mangles them.

use std::time::Duration;

use fault::faults;

use super::value::DecodeError;

/// What a driver or a database said, word for word: for the log, not for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reason(String);

impl Reason {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// A row with the same unique key is there already.
    #[error("the row exists already")]
    UniqueViolation {
        /// The violated index as far as the database names it: `users.email`, `uq_users_email`.
        constraint: String,
    },
    /// The row that this one refers to does not exist, or is still referred to.
    #[error("a row that is referred to does not exist")]
    ForeignKeyViolation,
    /// Two transactions waited for each other and this one had to give way. Run it again.
    #[error("the transaction gave way to another")]
    Deadlock,
    /// A lock was not to be had in time. Run it again, later.
    #[error("a lock was not to be had in time")]
    LockTimeout,
    /// No connection, a lost one, or no answer before the deadline.
    #[error("the database is not available")]
    Unavailable {
        /// What the driver said, without the address and its password.
        #[source]
        reason: Reason,
    },
    /// The result has more rows than anybody should read at once.
    #[error("more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// A value is not of the type that the reader expects.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The statement itself is wrong: a defect of ours.
    #[error("the statement failed")]
    Statement {
        /// What the database said.
        #[source]
        reason: Reason,
    },
}

impl SqlError {
    /// There was `what` within `limit`: "no answer", "no connection".
    pub(crate) fn late(what: &str, limit: Duration) -> Self {
        Self::Unavailable { reason: format!("{what} within {} ms", limit.as_millis()).into() }
    }

    /// True where the connection that gave this error must not be used again: it is lost, or rows are left unread on it.
    pub(crate) fn loses_connection(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TooManyRows { .. })
    }

    /// True where the transaction in which this error came up is over (see [`Transaction`](super::Transaction)).
    pub(crate) fn ends_transaction(&self) -> bool {
        !matches!(self, Self::UniqueViolation { .. } | Self::ForeignKeyViolation | Self::Statement { .. })
    }

    /// True where the same transaction may well succeed when it is run again from its beginning.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Deadlock | Self::LockTimeout)
    }
}

faults! { SqlError {
    Self::UniqueViolation { .. } | Self::ForeignKeyViolation => Conflict "conflict",
    Self::Deadlock | Self::LockTimeout | Self::Unavailable { .. } =>
        Unavailable "database_unavailable" { retry_after_ms: Some(1000) },
    Self::TooManyRows { .. } | Self::Decode(_) | Self::Statement { .. } => Internal "internal_error",
} }
