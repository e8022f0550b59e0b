//! What everybody may ask for: an account, a session, the end of one, a new password.

use auth::{AccountError, NewAccount, Outcome, Registered};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use edge::{Anyone, Bearer, Client, Json, Keyed, Problem, replayed};

use crate::{
    AccountsState, device,
    wire::{
        Address, Credentials, LogOut, NewPassword, Refresh, Registration, RegistrationMode, Token, Tokens, Waiting,
    },
};

pub(crate) async fn registration(_: Anyone, State(accounts): AccountsState) -> Result<Json<RegistrationMode>, Problem> {
    Ok(Json(accounts.registration().await?.into()))
}

pub(crate) async fn register(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Keyed { attempt, body }: Keyed<Registration>,
) -> Result<Response, Problem> {
    let Registration { email, password, name, invitation } = body;
    let account = NewAccount::parse(&email, password, name.as_deref())?;
    let registered = accounts.register(account, invitation.as_ref(), device(client), attempt.as_ref()).await?;
    let answer = match registered.value {
        Registered::SignedIn(signed_in) => (StatusCode::CREATED, Json(Tokens::from(*signed_in))).into_response(),
        Registered::LetterSent => (StatusCode::ACCEPTED, Json(Waiting::for_verification())).into_response(),
    };
    Ok(if registered.is_replay { replayed(answer) } else { answer })
}

pub(crate) async fn log_in(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Keyed { attempt, body: Credentials { email, password } }: Keyed<Credentials>,
) -> Result<Response, Problem> {
    let Outcome { value, is_replay } = accounts.sign_in(&email, &password, device(client), attempt.as_ref()).await?;
    let answer = Json(Tokens::from(value));
    Ok(if is_replay { replayed(answer) } else { answer.into_response() })
}

pub(crate) async fn refresh(
    _: Anyone,
    State(accounts): AccountsState,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(accounts.refresh(&refresh.refresh_token).await?.into()))
}

/// Whoever holds a token of a session may end it: a refresh token, or an access token, also one that has expired.
pub(crate) async fn log_out(
    _: Anyone,
    State(accounts): AccountsState,
    Bearer(bearer): Bearer,
    body: Option<Json<LogOut>>,
) -> Result<StatusCode, Problem> {
    match (body.and_then(|Json(body)| body.refresh_token), bearer) {
        (Some(token), _) => accounts.sign_out_with_refresh_token(&token).await?,
        (None, Some(token)) => accounts.sign_out_with_access_token(&token).await?,
        (None, None) => return Err(AccountError::InvalidRefreshToken.into()),
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn ask_for_password_reset(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Json(address): Json<Address>,
) -> Result<StatusCode, Problem> {
    accounts.ask_for_password_reset(&address.email, device(client)).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn reset_password(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Json(NewPassword { token, new_password }): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    accounts.reset_password(&token, &new_password, device(client)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn ask_for_verification(
    _: Anyone,
    State(accounts): AccountsState,
    client: Client,
    Json(address): Json<Address>,
) -> Result<StatusCode, Problem> {
    accounts.ask_for_verification(&address.email, device(client)).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn verify_email(
    _: Anyone,
    State(accounts): AccountsState,
    Json(Token { token }): Json<Token>,
) -> Result<StatusCode, Problem> {
    accounts.verify_email(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}
