//! The accounts of a workspace, for those who look after them.

use auth::{Invitation, Outcome};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use edge::{Caller, Json, Keyed, Page, Paging, Path, Problem, Query, can, replayed};
use ids::{NoticeId, UserId};

use crate::{
    AccountsState,
    wire::{InvitationRequest, Issued, Letter, StatusChange, User},
};

pub(crate) async fn list(
    caller: Caller<can::ReadUsers>,
    State(accounts): AccountsState,
    Query(paging): Query<Paging<UserId>>,
) -> Result<Json<Page<User>>, Problem> {
    let members = accounts.members(&caller, paging.after(), paging.limit.and_one()).await?;
    Ok(Json(Page::of(members, paging.limit, |member| member.user).map(User::from)))
}

pub(crate) async fn change(
    caller: Caller<can::WriteUsers>,
    State(accounts): AccountsState,
    Path(user): Path<UserId>,
    Json(StatusChange { status }): Json<StatusChange>,
) -> Result<Json<User>, Problem> {
    Ok(Json(accounts.set_status(&caller, user, status.into()).await?.into()))
}

pub(crate) async fn issue_password_reset(
    caller: Caller<can::WriteUsers>,
    State(accounts): AccountsState,
    Path(user): Path<UserId>,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let issued = accounts.issue_password_reset(&caller, user).await?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

pub(crate) async fn invite(
    caller: Caller<can::WriteUsers>,
    State(accounts): AccountsState,
    Keyed { attempt, body: InvitationRequest { email, role } }: Keyed<InvitationRequest>,
) -> Result<Response, Problem> {
    let invitation = Invitation::parse(email.as_deref(), &role)?;
    let Outcome { value, is_replay } = accounts.invite(&caller, invitation, attempt.as_ref()).await?;
    let answer = (StatusCode::CREATED, Json(Issued::from(value)));
    Ok(if is_replay { replayed(answer) } else { answer.into_response() })
}

pub(crate) async fn list_outbox(
    _: Caller<can::AdministerDeployment>,
    State(accounts): AccountsState,
    Query(paging): Query<Paging<NoticeId>>,
) -> Result<Json<Page<Letter>>, Problem> {
    let letters = accounts.outbox(paging.after(), paging.limit.and_one()).await?;
    Ok(Json(Page::of(letters, paging.limit, |letter| letter.id).map(Letter::from)))
}
