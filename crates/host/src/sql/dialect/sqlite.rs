//! SQLite: what it says when something is wrong, and how we want its connections.

use std::time::Duration;

use crate::sql::error::SqlError;

/// After how long a statement stops waiting for the write lock, which is all that it ever waits for: what [`greeting`] says.
pub(crate) const STATEMENT_LIMIT: Duration = Duration::from_secs(8);

/// How much a commit waits for the disk (<https://sqlite.org/pragma.html#pragma_synchronous>): what the setting
/// `sqlite_synchronous` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Synchronous {
    /// Until the log is on the disk: what was acknowledged survives a loss of power.
    #[default]
    Full,
    /// Not at all: the log reaches the disk some time later. A loss of power takes the last commits with it, but never damages the database: it is in WAL mode.
    Normal,
}

/// What is said to a fresh connection. Waiting for the write lock (in milliseconds) ends before the deadline of a call does,
/// so that it has its own name. WAL mode is a property of the file: the [migrations](crate::migrate) turn it on.
pub(crate) fn greeting(synchronous: Synchronous) -> &'static [&'static str] {
    match synchronous {
        Synchronous::Full => &["PRAGMA busy_timeout = 8000", "PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL"],
        Synchronous::Normal => {
            &["PRAGMA busy_timeout = 8000", "PRAGMA foreign_keys = ON", "PRAGMA synchronous = NORMAL"]
        }
    }
}

/// The error that SQLite describes as `text`; both drivers give no more than its words
/// (<https://sqlite.org/rescode.html>, `sqlite3_errmsg`).
pub(crate) fn error(text: &str) -> SqlError {
    const UNIQUE: &str = "UNIQUE constraint failed: ";
    if let Some((_, constraint)) = text.split_once(UNIQUE) {
        return SqlError::UniqueViolation { constraint: constraint.trim().to_owned() };
    }
    if text.contains("FOREIGN KEY constraint failed") {
        return SqlError::ForeignKeyViolation;
    }
    if text.contains("database is locked") || text.contains("database table is locked") {
        return SqlError::LockTimeout;
    }
    const BROKEN: [&str; 10] = [
        "disk I/O error",
        "database disk image is malformed",
        "database or disk is full",
        "unable to open database file",
        "attempt to write a readonly database",
        "file is not a database",
        "too many connections opened",
        "out of memory",
        "channel closed",
        "interrupted",
    ];
    let reason = text.into();
    if BROKEN.iter().any(|broken| text.contains(broken)) {
        SqlError::Unavailable { reason }
    } else {
        SqlError::Statement { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_errors_that_a_caller_can_act_on() {
        for (text, expected) in [
            (
                "UNIQUE constraint failed: users.email, users.workspace_id",
                SqlError::UniqueViolation { constraint: "users.email, users.workspace_id".to_owned() },
            ),
            (
                "UNIQUE constraint failed: index 'users_email'",
                SqlError::UniqueViolation { constraint: "index 'users_email'".to_owned() },
            ),
            ("FOREIGN KEY constraint failed", SqlError::ForeignKeyViolation),
            ("database is locked", SqlError::LockTimeout),
            ("disk I/O error", SqlError::Unavailable { reason: "disk I/O error".into() }),
            ("no such table: cats", SqlError::Statement { reason: "no such table: cats".into() }),
        ] {
            assert_eq!(error(text), expected);
        }
    }
}
