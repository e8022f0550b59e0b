//! Workspaces, accounts, sessions, tokens, limits and keys in SQL; the only place of this crate that knows their tables.
//!
//! Some look-ups are not bound to a workspace, because they are what finds it: an account by its address, a refresh token and
//! an account token by their hashes. Limits and keys belong to the deployment.

pub(crate) mod accounts;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod sessions;
pub(crate) mod tokens;

use host::{
    sql::{DecodeError, Row, SqlError},
    text_values,
};

use crate::{
    account::{Account, Status},
    account_token::Purpose,
    notice::NoticeKind,
    permission::Role,
};

text_values!(Status, Purpose, Role, NoticeKind);

/// The columns that [`account`] reads, of `users u` and `workspaces w`.
const ACCOUNT: &str =
    "u.id, u.workspace_id, w.name, u.email, u.name, u.password_hash, u.roles, u.status, u.email_verified_at";

/// The account whose columns begin at `first`.
fn account(row: &Row, first: usize) -> Result<Account, SqlError> {
    Ok(Account {
        user: row.get(first)?,
        workspace: row.get(first + 1)?,
        workspace_name: row.get(first + 2)?,
        email: row.get(first + 3)?,
        name: row.get(first + 4)?,
        password_hash: row.get(first + 5)?,
        roles: roles(row, first + 6)?,
        status: row.get(first + 7)?,
        email_verified_at: row.get(first + 8)?,
    })
}

/// A JSON array of role names. A name that this version does not know gives nothing; it does not lock its holder out.
fn roles(row: &Row, column: usize) -> Result<Vec<Role>, DecodeError> {
    let names: Vec<String> = serde_json::from_str(&row.get::<String>(column)?)
        .map_err(|_| DecodeError { column, expected: "a JSON array of role names" })?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

#[cfg(test)]
mod tests;
