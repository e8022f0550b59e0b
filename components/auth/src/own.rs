//! What somebody may ask of their own account.

use axum::{extract::State, http::StatusCode};
use edge::{Caller, Client, Json, Page, Paging, Path, Problem, Query};
use ids::SessionId;

use crate::{
    AccountsState, device,
    wire::{Export, Password, PasswordChange, Profile, Session},
};

/// Answered from memory on an instance that has met the caller before.
pub(crate) async fn me(caller: Caller) -> Json<Profile> {
    Json(Profile::of(&caller))
}

pub(crate) async fn list_sessions(
    caller: Caller,
    State(accounts): AccountsState,
    Query(paging): Query<Paging<SessionId>>,
) -> Result<Json<Page<Session>>, Problem> {
    let sessions = accounts.sessions(&caller, paging.after(), paging.limit.and_one()).await?;
    let page = Page::of(sessions, paging.limit, |session| session.id);
    Ok(Json(page.map(|session| Session::new(session, caller.session))))
}

pub(crate) async fn end_session(
    caller: Caller,
    State(accounts): AccountsState,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    if accounts.end_session(&caller, session).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

pub(crate) async fn end_all_sessions(caller: Caller, State(accounts): AccountsState) -> Result<StatusCode, Problem> {
    accounts.end_all_sessions(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn change_password(
    caller: Caller,
    State(accounts): AccountsState,
    client: Client,
    Json(PasswordChange { current_password, new_password }): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    accounts.change_password(&caller, (&current_password, &new_password), device(client)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn export(caller: Caller, State(accounts): AccountsState) -> Result<Json<Export>, Problem> {
    Ok(Json(Export::new(accounts.export(&caller).await?)))
}

pub(crate) async fn delete(
    caller: Caller,
    State(accounts): AccountsState,
    client: Client,
    Json(Password { password }): Json<Password>,
) -> Result<StatusCode, Problem> {
    accounts.delete(&caller, &password, device(client)).await?;
    Ok(StatusCode::NO_CONTENT)
}
