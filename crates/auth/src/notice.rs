//! Letters to the holders of accounts.
//!
//! A letter is a row, written with the work that it tells of. Whoever sends letters reads the rows; while nobody does, an
//! administrator reads them and hands them on.

use ids::{AccountTokenId, NoticeId, Timestamp, UserId, WorkspaceId};
use secrecy::SecretString;

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum NoticeKind {
    /// Brings a token for a new password.
    PasswordReset,
    /// Brings a token that proves the address.
    EmailVerification,
    /// Somebody wanted to open an account with the address of this one.
    RegistrationAttempt,
}

/// A letter that is to be sent.
pub(crate) struct Notice {
    pub(crate) id: NoticeId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: Option<UserId>,
    pub(crate) kind: NoticeKind,
    /// The address, in its one spelling.
    pub(crate) recipient: String,
    pub(crate) token: Option<AccountTokenId>,
    /// After that it is of no use to anybody.
    pub(crate) expires_at: Timestamp,
}

/// A letter as an administrator reads it.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// Names it.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// Whom it is for.
    pub recipient: String,
    /// The token that it brings, where that is still good.
    pub token: Option<SecretString>,
    /// When it was written.
    pub created_at: Timestamp,
    /// After that it is of no use to anybody.
    pub expires_at: Timestamp,
}
