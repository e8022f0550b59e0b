//! What can go wrong with an account.

use fault::{FieldFault, faults};
use host::sql::{SqlError, WorkError};
use idempotency::IdempotencyError;

use crate::{keys::KeyError, limits::LimitError, password::HashError, settings::SettingsError};

/// Why somebody could not be signed up or in, or an account not be changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Somebody has an account with this address.
    #[error("There is an account with this e-mail address.")]
    EmailTaken,
    /// No account has this address, or the password is another. Which of the two is nobody's business.
    #[error("The e-mail address or the password is wrong.")]
    WrongCredentials,
    /// The password is right, but an administrator has closed the account.
    #[error("This account is disabled.")]
    Disabled,
    /// The password is right, but nobody has proved yet that the address is theirs.
    #[error("The e-mail address of this account has not been verified yet.")]
    EmailNotVerified,
    /// The refresh token is none, has expired, or its session has ended.
    #[error("The refresh token is not valid, or not any more; sign in again.")]
    InvalidRefreshToken,
    /// The refresh token was exchanged before, and that too long ago or for a token that was used: somebody has a copy. Its
    /// session has been ended.
    #[error("The refresh token was used before, so its session was ended; sign in again.")]
    ReusedRefreshToken,
    /// Nobody opens accounts here.
    #[error("Accounts are not opened here; ask an administrator.")]
    RegistrationClosed,
    /// Only who is invited opens an account here.
    #[error("Accounts are opened by invitation only.")]
    InvitationRequired,
    /// The token of a letter or an invitation is none, has expired, was used, or is for something else.
    #[error("The token is not valid, or not any more.")]
    InvalidAccountToken,
    /// A password will not do.
    #[error("The password will not do; `errors` says why.")]
    UnfitPassword {
        /// Which field of the request.
        pointer: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such account in the workspace.
    #[error("There is no such account, or none that you may see.")]
    NoSuchAccount,
    /// The account may more than the one who wants to change it.
    #[error("This account holds permissions that you do not hold.")]
    AboveYou,
    /// This is not for the account of whoever asks.
    #[error("This cannot be done to one's own account.")]
    OwnAccount,
    /// Nobody could look after the others.
    #[error("Others work in this workspace, and nobody else owns it.")]
    LastOwner,
    /// Somebody has to wait.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The settings are of no use.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The signing key is not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token could not be signed.
    #[error("an access token could not be signed")]
    Unsigned,
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The request cannot be carried out under its idempotency key.
    #[error(transparent)]
    Idempotency(IdempotencyError),
    /// What the first request under an idempotency key came to was a session that has ended, or whose tokens were exchanged.
    #[error("The session that this key stands for has ended, or its tokens were exchanged; sign in under another key.")]
    NoLongerKept,
    /// The database does not do it.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<IdempotencyError> for AccountError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Sql(error) => Self::Sql(error),
            error => Self::Idempotency(error),
        }
    }
}

impl WorkError for AccountError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

faults! { AccountError {
    Self::EmailTaken => Conflict "email_taken",
    Self::WrongCredentials => Unauthenticated "wrong_credentials",
    Self::Disabled => Forbidden "account_disabled",
    Self::EmailNotVerified => Forbidden "email_not_verified",
    Self::InvalidRefreshToken => Unauthenticated "invalid_refresh_token",
    Self::ReusedRefreshToken => Unauthenticated "refresh_token_reused",
    Self::RegistrationClosed => Forbidden "registration_closed",
    Self::InvitationRequired => Forbidden "invitation_required",
    Self::InvalidAccountToken => Invalid "invalid_account_token",
    Self::UnfitPassword { pointer, reason } => Invalid "invalid_request" {
        fields: vec![FieldFault::new(*pointer, *reason)],
    },
    Self::NoSuchAccount => NotFound "not_found",
    Self::NoLongerKept => Gone "no_longer_kept",
    Self::Idempotency(error) => error,
    Self::AboveYou => Forbidden "forbidden",
    Self::OwnAccount => Conflict "own_account",
    Self::LastOwner => Conflict "last_owner",
    Self::Unsigned | Self::Hash(_) => Internal "internal_error",
    Self::Limit(error) => error,
    Self::Settings(error) => error,
    Self::Key(error) => error,
    Self::Sql(error) => error,
} }
