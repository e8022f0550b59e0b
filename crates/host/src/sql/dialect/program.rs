//! Several statements in one, for MariaDB: a compound statement outside of any stored routine
//! (<https://mariadb.com/kb/en/using-compound-statements-outside-of-stored-programs/>).
//!
//! Every statement is a way to the server and back, and through Spin the way costs more than the statement. A transaction
//! whose statements are known beforehand goes there once.

use std::fmt::Write;

use crate::sql::{error::SqlError, statement::Statement};

/// What the server says where a statement matched no row.
const NOTHING_MATCHED: &str = "kowai: a statement matched no row";

/// ER_SIGNAL_EXCEPTION: what a `SIGNAL` without a number of its own has.
const SIGNALLED: u16 = 1644;

/// One statement that carries out all of `statements` in a transaction, or none: where one fails, or where one matches no
/// row, which is an error for which [`is_nothing_matched`] holds.
pub(crate) fn all_or_none(statements: Vec<Statement>) -> Statement {
    let mut text =
        String::from("BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; ");
    text.push_str("START TRANSACTION; ");
    for statement in &statements {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{}; IF ROW_COUNT() < 1 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{NOTHING_MATCHED}'; END IF; ",
            statement.text()
        );
    }
    text.push_str("COMMIT; END");
    Statement::new(text).bind_all(statements.into_iter().flat_map(Statement::into_params))
}

/// True of the error that [`all_or_none`] ends with where nothing went wrong, but a statement matched no row.
pub(crate) fn is_nothing_matched(error: &SqlError) -> bool {
    matches!(error, SqlError::Statement { reason } if reason.as_str() == format!("{SIGNALLED}: {NOTHING_MATCHED}"))
}
