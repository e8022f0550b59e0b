//! MariaDB: its address, its error codes, and how we want its connections.

use std::time::Duration;

use url::Url;

use crate::sql::error::SqlError;

/// After how long the server gives up a statement, or a program of several: what [`GREETING`] says to it.
pub(crate) const STATEMENT_LIMIT: Duration = Duration::from_secs(5);

/// What is said to a fresh connection. Nothing of this is left to how the server happens to be configured:
///
/// * `autocommit`: a lone statement is a transaction of its own, or it would be lost with its connection.
/// * `tx_isolation`: every statement sees what was committed before it began, and what it locks is the newest. Whoever reads
///   and then writes says so by `FOR UPDATE`, or writes under the condition of what was read; nobody needs to see twice the
///   same, and without gap locks neighbours in an index do not run into deadlocks. (The server's default, `REPEATABLE READ`,
///   means another thing since 11.6.2, where `innodb_snapshot_isolation` is on.) The older name of the variable is used because
///   10.6 knows no other.
/// * `innodb_lock_wait_timeout` (seconds): waiting for a lock ends before the statement does, so that it has its own name.
/// * `max_statement_time` (seconds): the server gives a statement up before its caller does, see [`STATEMENT_LIMIT`].
/// * `sql_mode`: a value that does not fit is an error.
pub(crate) const GREETING: &[&str] = &["SET SESSION autocommit = 1, tx_isolation = 'READ-COMMITTED', \
    innodb_lock_wait_timeout = 4, max_statement_time = 5, \
    sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"];

/// The error that MariaDB gives the number `code` and describes as `message`
/// (<https://mariadb.com/kb/en/mariadb-error-code-reference/>).
pub(crate) fn error(code: u16, message: &str) -> SqlError {
    let reason = format!("{code}: {}", without_values(code, message)).into();
    match code {
        // ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME: "Duplicate entry '…' for key 'users_email'".
        1062 | 1586 => SqlError::UniqueViolation { constraint: key_of(message).to_owned() },
        // ER_NO_REFERENCED_ROW, ER_ROW_IS_REFERENCED and their newer forms.
        1216 | 1217 | 1451 | 1452 => SqlError::ForeignKeyViolation,
        // ER_LOCK_DEADLOCK, ER_CHECKREAD ("record has changed since last read").
        1213 | 1020 => SqlError::Deadlock,
        // ER_LOCK_WAIT_TIMEOUT.
        1205 => SqlError::LockTimeout,
        // ER_MAX_PREPARED_STMT_COUNT_REACHED. The connection that meets it is closed, and with it go its own statements.
        1461 => SqlError::Unavailable {
            reason:
                "1461: the server has no room for more prepared statements: raise max_prepared_stmt_count, or lower \
                     stmt_cache_size in database_url"
                    .into(),
        },
        _ if is_outage(code) => SqlError::Unavailable { reason },
        _ => SqlError::Statement { reason },
    }
}

/// True where the server has no place for another connection at the moment (ER_CON_COUNT_ERROR,
/// ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED).
pub(crate) fn is_full(code: u16) -> bool {
    matches!(code, 1040 | 1203 | 1226)
}

fn is_outage(code: u16) -> bool {
    matches!(
        code,
        // Connecting: host blocked or not privileged, wrong password or database, no handshake.
        1040 | 1042 | 1043 | 1044 | 1045 | 1049 | 1129 | 1130 | 1203 | 1226 | 1698
        // Running: shutdown in progress, aborted, network, killed, statement time, disk full, read-only.
        | 1053 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 1969 | 1021 | 1290 | 1836 | 4031
    )
}

/// The message without the value that some errors repeat: it may be anything that a client sent, and goes into the log.
fn without_values(code: u16, message: &str) -> String {
    // ER_TRUNCATED_WRONG_VALUE, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: "Incorrect string value: '…' for column …".
    let parts = match code {
        1292 | 1366 => message.split_once(": '").zip(message.rsplit_once("' for ")),
        _ => None,
    };
    parts.map_or_else(|| message.to_owned(), |((what, _), (_, place))| format!("{what} for {place}"))
}

fn key_of(message: &str) -> &str {
    message.rsplit_once("for key '").map_or("", |(_, key)| key.trim_end_matches('\''))
}

/// The error in the text that Spin leaves of it (`docs/spin.md#errors-of-mysql`): the Debug text of a server error
/// where a statement is carried out, `Server(ServerError { code: 1062, message: "Duplicate …", state: "23000" })`, or
/// its Display text where a connection is opened or rows are read, ``Server error: `ERROR 08004 (1040): Too many
/// connections'``. Any other text is no answer of the server, so the connection is lost.
#[cfg(any(test, target_family = "wasm"))]
pub(crate) fn error_from_text(text: &str) -> SqlError {
    match server_error(text) {
        Some((code, message)) => error(code, &message),
        None => SqlError::Unavailable { reason: redacted(text).into() },
    }
}

/// The number and message of the server error in `text`, if it is one. What comes first counts: further on, a message can
/// hold anything that a client sent.
#[cfg(any(test, target_family = "wasm"))]
pub(crate) fn server_error(text: &str) -> Option<(u16, String)> {
    if let Some(rest) = text.strip_prefix("Server(ServerError { code: ") {
        let (code, rest) = rest.split_once(", message: \"")?;
        let (message, _) = rest.rsplit_once("\", state:")?;
        return Some((code.parse().ok()?, message.replace("\\'", "'").replace("\\\"", "\"")));
    }
    let rest = text.trim_start().strip_prefix("Server error: `ERROR ")?;
    let (code, rest) = rest.split_once(" (")?.1.split_once("): ")?;
    let message = rest.lines().next().unwrap_or_default();
    Some((code.parse().ok()?, message.strip_suffix('\'').unwrap_or(message).to_owned()))
}

/// The first line of `text` without what looks like an address: Spin's errors can hold the whole URL and a backtrace.
pub(crate) fn redacted(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    let words = line.split(' ').map(|word| if word.contains("://") { "<address>" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// Where a MariaDB server is and how to sign in: a checked `mysql://` URL. Its text is a secret.
#[derive(Clone)]
pub(crate) struct MariaDbAddress(Url);

/// What may be said in the URL of the deployment. Spin's driver panics on a key that it does not know, which takes every
/// request of the instance with it (`docs/spin.md#opening-a-connection`).
const ALLOWED: [&str; 10] = [
    "ssl-mode",
    "sslMode",
    "compression",
    "tcp_keepalive",
    "tcp_nodelay",
    "max_allowed_packet",
    "wait_timeout",
    "stmt_cache_size",
    "prefer_socket",
    "socket",
];

/// The most prepared statements that a connection keeps. A server allows 16,382 in all (`max_prepared_stmt_count`), so with as
/// many as these 400 connections use four fifths of that. A component has fewer statements that it uses often.
const STATEMENTS_PER_CONNECTION: &str = "32";

/// What is said unless the deployment says otherwise. Without the first, a driver on the same machine connects twice, and
/// without the next two it asks the server for them at each connect (`docs/spin.md#opening-a-connection`).
const DEFAULTS: [(&str, &str); 5] = [
    ("prefer_socket", "false"),
    ("max_allowed_packet", "16777216"),
    ("wait_timeout", "28800"),
    ("stmt_cache_size", STATEMENTS_PER_CONNECTION),
    ("tcp_nodelay", "true"),
];

impl MariaDbAddress {
    /// Reads `mysql://user:password@host:port/database?key=value`. The error says what is wrong without saying the URL.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        if url.scheme() != "mysql" {
            return Err("it must begin with mysql://".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
        }
        let database = url.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err("it must name one database: mysql://user:password@host:3306/database".to_owned());
        }
        let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (key, value) in &given {
            check_parameter(key, value)?;
        }
        {
            let mut query = url.query_pairs_mut();
            for (key, value) in DEFAULTS.iter().filter(|(key, _)| !given.iter().any(|(given, _)| given == key)) {
                query.append_pair(key, value);
            }
            // An UPDATE then reports the rows that it matched, as SQLite does, and not only those that it changed.
            query.append_pair("client_found_rows", "true");
        }
        Ok(Self(url))
    }

    /// The whole URL, password included, for the driver alone.
    pub(crate) fn secret_url(&self) -> &str {
        self.0.as_str()
    }
}

/// A wrong value panics the driver just as an unknown key does.
fn check_parameter(key: &str, value: &str) -> Result<(), String> {
    if !ALLOWED.contains(&key) {
        return Err(format!("the parameter {key:?} is not supported"));
    }
    let is_valid = match key {
        "ssl-mode" | "sslMode" => {
            ["disabled", "required", "verify_ca", "verify_identity"].contains(&value.to_lowercase().as_str())
        }
        "tcp_nodelay" | "prefer_socket" => ["true", "false"].contains(&value),
        "compression" => {
            ["fast", "on", "true", "best"].contains(&value) || value.len() == 1 && value.parse::<u8>().is_ok()
        }
        "socket" => !value.is_empty(),
        "max_allowed_packet" => value.parse::<usize>().is_ok_and(|bytes| (1024..=1 << 30).contains(&bytes)),
        _ => value.parse::<u32>().is_ok(),
    };
    if is_valid { Ok(()) } else { Err(format!("the value of the parameter {key:?} is not valid")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_spin_leaves_of_an_error_still_names_the_violated_key() {
        let text = r#"Server(ServerError { code: 1062, message: "Duplicate entry 'it\\'s' for key 'users_email'", state: "23000" })"#;
        assert_eq!(error_from_text(text), SqlError::UniqueViolation { constraint: "users_email".to_owned() });
        let text = r#"Server(ServerError { code: 1213, message: "Deadlock found", state: "40001" })"#;
        assert_eq!(error_from_text(text), SqlError::Deadlock);
    }

    #[test]
    fn an_error_while_connecting_or_reading_is_read_from_its_sentence() {
        let text =
            "Server error: `ERROR 08004 (1040): Too many connections'\n\nCaused by:\n    ERROR 08004 (1040): Too many";
        assert_eq!(server_error(text), Some((1040, "Too many connections".to_owned())));
        let text = "Server error: `ERROR 23000 (1062): Duplicate entry 'ERROR 1 (1213): ' for key 'cats_name''";
        assert_eq!(error_from_text(text), SqlError::UniqueViolation { constraint: "cats_name".to_owned() });
    }

    #[test]
    fn a_value_that_does_not_fit_is_not_repeated() {
        let error =
            error(1366, "Incorrect string value: '\\xFFsecret' for column `kowai`.`messages`.`content` at row 1");
        let reason = "1366: Incorrect string value for column `kowai`.`messages`.`content` at row 1".into();
        assert_eq!(error, SqlError::Statement { reason });
    }

    #[test]
    fn a_duplicate_value_cannot_forge_the_code() {
        let text = r#"Server(ServerError { code: 1062, message: "Duplicate entry 'ServerError { code: 1213, ' for key 'k'", state: "23000" })"#;
        assert_eq!(error_from_text(text), SqlError::UniqueViolation { constraint: "k".to_owned() });
    }

    #[test]
    fn what_is_no_answer_of_the_server_is_a_lost_connection_and_keeps_the_password_secret() {
        let text = "address mysql://kowai:secret@db:3306/kowai is not permitted\n   0: backtrace";
        let SqlError::Unavailable { reason } = error_from_text(text) else { panic!("another error") };
        assert_eq!(reason.as_str(), "address <address> is not permitted");
        let lost = r#"Io(Io(Os { code: 104, kind: ConnectionReset, message: "Connection reset by peer" }))"#;
        assert!(matches!(error_from_text(lost), SqlError::Unavailable { .. }));
    }

    #[test]
    fn an_address_gets_its_defaults_and_keeps_what_the_deployment_says() {
        let address = MariaDbAddress::parse("mysql://u:p@db:3307/kowai?wait_timeout=60&ssl-mode=REQUIRED").unwrap();
        let pairs: Vec<(String, String)> = address.0.query_pairs().into_owned().collect();
        let value = |key| pairs.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
        assert_eq!(value("wait_timeout"), ["60"]);
        assert_eq!(value("prefer_socket"), ["false"]);
        assert_eq!(value("client_found_rows"), ["true"]);
        assert_eq!(value("ssl-mode"), ["REQUIRED"]);
    }

    #[test]
    fn the_statements_of_400_connections_fit_into_a_server_as_it_comes() {
        let address = MariaDbAddress::parse("mysql://u:p@db/kowai").unwrap();
        let (_, each) = address.0.query_pairs().find(|(key, _)| key == "stmt_cache_size").unwrap();
        assert!(400 * each.parse::<u32>().unwrap() < 16_382);
        let error = error(1461, "Can't create more than max_prepared_stmt_count statements (current value: 16382)");
        assert!(error.loses_connection() && matches!(error, SqlError::Unavailable { .. }), "{error:?}");
    }

    #[test]
    fn an_address_that_would_panic_the_driver_is_refused_without_being_repeated() {
        for hostile in [
            "mysql://u:hunter2@db/kowai?charset=utf8mb4",
            "mysql://u:hunter2@db/kowai?prefer_socket=maybe",
            "mysql://u:hunter2@db/kowai?stmt_cache_size=-1",
            "mysql://u:hunter2@db/kowai?client_found_rows=false",
            "mysql://u:hunter2@db/",
            "mysql:///kowai?u=hunter2",
            "postgres://u:hunter2@db/kowai",
            "hunter2",
            "mysql://u:hunter2@db:99999/kowai",
        ] {
            let reason = MariaDbAddress::parse(hostile).err().expect(hostile);
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
