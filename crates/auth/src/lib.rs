//! Accounts, sessions, tokens, roles and permissions: who sends a request, and what may they do?
//!
//! [`Accounts`] signs people up, in and out; [`Authenticator`] tells who bears an access token, from memory wherever that is
//! safe. This crate owns the tables of migrations 0001 and 0003 and knows no HTTP.

mod account;
mod account_token;
mod accounts;
mod address;
mod authenticator;
mod bootstrap;
mod hex;
mod keys;
mod limits;
mod notice;
mod password;
mod permission;
mod principal;
mod refresh;
mod repo;
mod session;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;

pub use idempotency::{Attempt, Outcome};

pub use crate::{
    account::{NewAccount, Status},
    account_token::IssuedToken,
    accounts::{AccountError, Accounts, Export, Invitation, Member, Registered, SignedIn},
    authenticator::{AuthenticateError, Authenticator, SESSION_TTL},
    keys::KeyError,
    limits::LimitError,
    notice::{NoticeKind, OutboxEntry},
    permission::{Permission, Permissions, Role},
    principal::Principal,
    refresh::{REFRESH_TOKEN_TTL, REPLAY_WINDOW},
    session::{Device, Session},
    settings::{Registration, RegistrationRule, SettingsError, check_settings},
    token::{ACCESS_TOKEN_TTL, AccessClaims, InvalidToken, TokenKey},
};
