//! Accounts, sessions, tokens, roles and permissions: who sends a request, and what may they do?
//!
//! [`Accounts`] signs people up, in and out; [`Authenticator`] tells who bears an access token, from memory wherever that is
//! safe. This crate owns the tables of migration 0001 and knows no HTTP.

mod account;
mod accounts;
mod authenticator;
mod bootstrap;
mod hex;
mod keys;
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

pub use crate::{
    account::{InvalidAccount, NewAccount},
    accounts::{Accounts, SignInError, SignedIn},
    authenticator::{AuthenticateError, Authenticator, SESSION_TTL},
    keys::KeyError,
    permission::{Permission, Permissions, Role, UnknownName},
    principal::Principal,
    refresh::REFRESH_TOKEN_TTL,
    session::{Device, Session},
    settings::{SettingFault, check_settings},
    token::{ACCESS_TOKEN_TTL, AccessClaims, InvalidToken, TokenKey},
};
