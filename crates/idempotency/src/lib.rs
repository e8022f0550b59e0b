//! Requests that may be sent twice and happen once: what the header `Idempotency-Key` stands for
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! A capability stores what a request creates, and under which key, in one transaction ([`Attempt::store`]). So a key is known
//! exactly when the work is done: there is nothing to be reserved beforehand, and nothing to be taken back when an instance dies.
//! Of two requests at the same time the database lets one through, and the other finds what that one has stored. Where the work
//! goes on after its transaction (an answer that is being written), what was created says so itself, and its lease ends it.
//!
//! A key belongs to the user who sent it and is kept for 24 hours. This crate knows neither HTTP nor what is created.

mod key;
mod repo;

use std::time::Duration;

use fault::faults;
use host::sql::{Sql, SqlError, Statement};
use ids::{Timestamp, UserId, WorkspaceId};

pub use crate::key::{Attempt, Key, MalformedKey};

/// How long a key is remembered.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose key it is: the same key of another user is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The workspace they work in.
    pub workspace: WorkspaceId,
    /// Who they are.
    pub user: UserId,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<T> {
    /// What it created.
    pub value: T,
    /// True where an earlier request under the same key has created it.
    pub is_replay: bool,
}

/// What became of a transaction that bears a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was carried out.
    Now,
    /// It was not, because one of its statements matched no row; the key is as unused as before.
    NothingMatched,
    /// An earlier request with this key has done it, and this is what it came to.
    Before(String),
}

/// Why a request with a key cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used for another request: another method, path or body.
    #[error("this Idempotency-Key was used for another request")]
    Reused,
    /// The first request with the key is still being carried out.
    #[error("the first request with this Idempotency-Key is still being carried out")]
    InUse,
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

faults! { IdempotencyError {
    Self::Reused => Invalid "idempotency_key_reused",
    Self::InUse => Conflict "idempotency_key_in_use" { retry_after_ms: Some(1000) },
    Self::Sql(error) => error,
} }

impl Attempt {
    /// What the first request with this key came to; `None` where this is the first.
    ///
    /// # Errors
    /// [`IdempotencyError::Reused`] where that was another request.
    pub async fn recall(
        &self,
        sql: &dyn Sql,
        owner: Owner,
        now: Timestamp,
    ) -> Result<Option<String>, IdempotencyError> {
        match repo::find(sql, owner, self).await? {
            Some(first) if first.expires_at <= now => {
                repo::delete_expired(sql, owner, self, now).await?;
                Ok(None)
            }
            Some(first) if first.fingerprint != self.fingerprint() => Err(IdempotencyError::Reused),
            first => Ok(first.map(|first| first.outcome)),
        }
    }

    /// Carries out `work` as [`Sql::all_or_none`] does, and remembers in the same transaction that this key stands for `outcome`:
    /// at most 64 characters of ASCII, an id. Where the key stands for something already, nothing is carried out.
    pub async fn store(
        &self,
        sql: &dyn Sql,
        owner: Owner,
        outcome: &str,
        work: Vec<Statement>,
        now: Timestamp,
    ) -> Result<Stored, IdempotencyError> {
        let mut is_first = true;
        loop {
            let statements = std::iter::once(repo::insert(owner, self, outcome, now)).chain(work.clone()).collect();
            let error = match sql.all_or_none(statements).await {
                Ok(true) => return Ok(Stored::Now),
                Ok(false) => return Ok(Stored::NothingMatched),
                Err(error) => error,
            };
            let SqlError::UniqueViolation { .. } = error else { return Err(error.into()) };
            match self.recall(sql, owner, now).await? {
                Some(outcome) => return Ok(Stored::Before(outcome)),
                // What was in the way had expired.
                None if is_first => is_first = false,
                None => return Err(error.into()),
            }
        }
    }
}

/// Deletes a batch of keys that have expired by `now`.
pub async fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    repo::sweep(sql, now).await
}

#[cfg(test)]
mod tests;
