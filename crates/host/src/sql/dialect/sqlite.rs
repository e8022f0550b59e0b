//! SQLite: what it says when something is wrong, and how we want its connections.

use crate::sql::SqlError;

/// Waiting for a write lock ends before the deadline of a call does, so that it has its own name. WAL mode, which
/// `synchronous = NORMAL` is safe with, is a property of the file: the [migrations](crate::migrate) see to it.
pub(crate) const GREETING: &[&str] =
    &["PRAGMA busy_timeout = 8000", "PRAGMA foreign_keys = ON", "PRAGMA synchronous = NORMAL"];

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
