//! Accounts over HTTP: `/v1/auth/*`, `/v1/me` and `/v1/users`.

mod own;
mod sign_in;
mod users;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use auth::{Accounts, Authenticator, Device};
use axum::extract::State;
use edge::{App, Client, Routes};
use host::Host;

edge::component!(app);

/// The routes of this component, on `host`.
fn app(host: Host) -> App {
    // One authenticator for guards and handlers, so that who signs out is out of this instance at once.
    let authenticator = Arc::new(Authenticator::new(host.clone()));
    let accounts = Arc::new(Accounts::new(host.clone(), authenticator.clone()));
    Routes::new()
        .get("/v1/auth/registration", sign_in::registration)
        .post("/v1/auth/register", sign_in::register)
        .post("/v1/auth/login", sign_in::log_in)
        .post_repeatable("/v1/auth/refresh", sign_in::refresh)
        .post_repeatable("/v1/auth/logout", sign_in::log_out)
        .get("/v1/auth/sessions", own::list_sessions)
        .delete("/v1/auth/sessions", own::end_all_sessions)
        .delete("/v1/auth/sessions/{id}", own::end_session)
        .post_repeatable("/v1/auth/password-reset", sign_in::ask_for_password_reset)
        .post_repeatable("/v1/auth/password-reset/confirm", sign_in::reset_password)
        .post_repeatable("/v1/auth/email-verification", sign_in::ask_for_verification)
        .post_repeatable("/v1/auth/email-verification/confirm", sign_in::verify_email)
        .post("/v1/auth/invitations", users::invite)
        .get("/v1/auth/outbox", users::list_outbox)
        .get("/v1/me", own::me)
        .delete("/v1/me", own::delete)
        .post_repeatable("/v1/me/password", own::change_password)
        .get("/v1/me/export", own::export)
        .get("/v1/users", users::list)
        .patch("/v1/users/{id}", users::change)
        .post_repeatable("/v1/users/{id}/password-reset", users::issue_password_reset)
        .build_with(&host, authenticator, accounts)
}

type AccountsState = State<Arc<Accounts>>;

fn device(client: Client) -> Device {
    let Client { address, forwarded_for, user_agent } = client;
    Device { user_agent, address, forwarded_for }
}
