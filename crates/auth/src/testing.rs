//! Signed-in callers for the tests of components, without the cost of a password.

use host::Host;
use ids::Timestamp;
use secrecy::ExposeSecret;

use crate::{
    account::{Account, Status},
    keys,
    permission::Role,
    principal::Principal,
    refresh::{REFRESH_TOKEN_TTL, RefreshToken},
    repo,
    session::{Device, NewSession},
    token::{ACCESS_TOKEN_TTL, AccessClaims},
};

/// Somebody who is signed in.
pub struct TestCaller {
    /// Who they are.
    pub principal: Principal,
    /// The value of their `Authorization` header.
    pub authorization: String,
}

/// Signs somebody in, with `role`, in a workspace of their own.
///
/// # Panics
/// If the database does not take them: the test cannot go on.
pub async fn sign_in(host: &Host, role: Role) -> TestCaller {
    let user = host.new_id();
    let account = Account {
        user,
        workspace: host.new_id(),
        workspace_name: format!("workspace of a {role}"),
        email: format!("{user}@example.com"),
        name: format!("a {role}"),
        password_hash: "no password fits this".to_owned(),
        roles: vec![role],
        status: Status::Active,
        email_verified_at: None,
    };
    let now = host.now();
    let session = NewSession {
        id: host.new_id(),
        workspace: account.workspace,
        user,
        device: Device::default(),
        token_hash: RefreshToken::new(&*host.random).hash(),
        expires_at: now + REFRESH_TOKEN_TTL,
    };
    let mut work = vec![repo::accounts::insert_workspace(&account, now), repo::accounts::insert(&account, now)];
    work.extend(repo::sessions::insert(&session, now));
    host.sql.all_or_none(work).await.expect("a test has a database that takes an account");
    let principal = account.principal(session.id);
    let authorization = authorization(host, &principal, now + ACCESS_TOKEN_TTL).await;
    TestCaller { principal, authorization }
}

/// An `Authorization` header that says to come from `principal`, whether they are in the database or not.
///
/// # Panics
/// If the deployment has no signing key.
pub async fn authorization(host: &Host, principal: &Principal, expires_at: Timestamp) -> String {
    let claims =
        AccessClaims { user: principal.user, workspace: principal.workspace, session: principal.session, expires_at };
    let keys = keys::keys(host).await.expect("a test has a signing key");
    let token = keys.signing().sign(claims, &principal.roles, host.now()).expect("claims can be signed");
    format!("Bearer {}", token.expose_secret())
}
