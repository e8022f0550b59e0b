//! Sign-in over HTTP: `/v1/auth/*` and `/v1/me`.

mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use auth::{Accounts, Authenticator, Device, NewAccount};
use axum::{extract::State, http::StatusCode};
use edge::{Anyone, App, Caller, Client, Json, Page, Paging, Path, Problem, Query, Routes};
use host::Host;
use ids::SessionId;

use wire::{Credentials, Profile, Refresh, Registration, Session, Tokens};

edge::component!(app);

/// The routes of this component, on `host`.
fn app(host: Host) -> App {
    // One authenticator for guards and handlers, so that who signs out is out of this instance at once.
    let authenticator = Arc::new(Authenticator::new(host.clone()));
    let accounts = Arc::new(Accounts::new(host.clone(), authenticator.clone()));
    Routes::new()
        .post_repeatable("/v1/auth/register", register)
        .post_repeatable("/v1/auth/login", log_in)
        .post_repeatable("/v1/auth/refresh", refresh)
        .post_repeatable("/v1/auth/logout", log_out)
        .get("/v1/auth/sessions", list_sessions)
        .delete("/v1/auth/sessions/{id}", end_session)
        .get("/v1/me", me)
        .build_with(&host, authenticator, accounts)
}

type AccountsState = State<Arc<Accounts>>;

async fn register(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Json(registration): Json<Registration>,
) -> Result<(StatusCode, Json<Tokens>), Problem> {
    let Registration { email, password, name } = registration;
    let account = NewAccount::parse(&email, password, name.as_deref())?;
    let signed_in = accounts.register(account, device(client)).await?;
    Ok((StatusCode::CREATED, Json(signed_in.into())))
}

async fn log_in(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Json(credentials): Json<Credentials>,
) -> Result<Json<Tokens>, Problem> {
    let signed_in = accounts.sign_in(&credentials.email, &credentials.password, device(client)).await?;
    Ok(Json(signed_in.into()))
}

async fn refresh(
    _: Anyone,
    State(accounts): AccountsState,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(accounts.refresh(&refresh.refresh_token).await?.into()))
}

async fn log_out(caller: Caller, State(accounts): AccountsState) -> Result<StatusCode, Problem> {
    accounts.sign_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_sessions(
    caller: Caller,
    State(accounts): AccountsState,
    Query(paging): Query<Paging<SessionId>>,
) -> Result<Json<Page<Session>>, Problem> {
    let sessions = accounts.sessions(&caller, paging.after(), paging.limit.and_one()).await?;
    let page = Page::of(sessions, paging.limit, |session| session.id);
    Ok(Json(page.map(|session| Session::new(session, caller.session))))
}

async fn end_session(
    caller: Caller,
    State(accounts): AccountsState,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    if accounts.end_session(&caller, session).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Answered from memory on an instance that has met the caller before.
async fn me(caller: Caller) -> Json<Profile> {
    Json(Profile::of(&caller))
}

fn device(client: Client) -> Device {
    Device { user_agent: client.user_agent, address: client.address }
}
