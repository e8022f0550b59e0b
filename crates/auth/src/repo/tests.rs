//! The statements on real databases: the same body on SQLite and, where one is at hand, MariaDB.

mod handing_out;
mod limiting;

use std::time::Duration;

use host::{
    Sql,
    fake::{Fakes, TestDatabase, databases},
    sql::Statement,
};
use ids::{Id, SessionId, UserId, WorkspaceId};

use super::{
    accounts::{by_email, insert, insert_workspace, replace_password_hash},
    keys::{keep_signing_key, signing_key},
    sessions::{family_of, forget_expired, forget_session, of_user, principal_of, revoke, revoke_all, rotate},
    *,
};
use crate::{
    account::Status,
    session::{Device, NewSession},
    token::AccessClaims,
};

/// A host around each database.
async fn hosts() -> Vec<(TestDatabase, Fakes)> {
    databases()
        .await
        .into_iter()
        .map(|database| (Fakes::new(database.sql.clone()), database))
        .map(|(a, b)| (b, a))
        .collect()
}

fn ada(fakes: &Fakes) -> Account {
    Account {
        user: fakes.host.new_id(),
        workspace: fakes.host.new_id(),
        workspace_name: "Ada & søn 🐈".to_owned(),
        email: "ada@example.com".to_owned(),
        name: "Ada 🐈".to_owned(),
        password_hash: "$argon2id$".to_owned(),
        roles: vec![Role::Owner, Role::Viewer],
        status: Status::Active,
        email_verified_at: None,
    }
}

fn session_of(fakes: &Fakes, account: &Account, token_hash: &str) -> NewSession {
    NewSession {
        id: fakes.host.new_id(),
        workspace: account.workspace,
        user: account.user,
        device: Device {
            user_agent: Some("curl/8".to_owned()),
            address: "2001:db8::1".parse().ok(),
            forwarded_for: Vec::new(),
        },
        token_hash: token_hash.to_owned(),
        expires_at: fakes.host.now() + Duration::from_secs(60),
    }
}

async fn write(fakes: &Fakes, account: Option<&Account>, session: &NewSession) {
    let now = fakes.host.now();
    let opening = account.map(|account| [insert_workspace(account, now), insert(account, now)]);
    let work = opening.into_iter().flatten().chain(super::sessions::insert(session, now)).collect();
    assert!(fakes.host.sql.all_or_none(work).await.unwrap());
}

async fn run(sql: &dyn Sql, statement: Statement) {
    sql.execute(statement).await.unwrap();
}

fn claims(account: &Account, session: &NewSession) -> AccessClaims {
    AccessClaims {
        user: account.user,
        workspace: account.workspace,
        session: session.id,
        expires_at: session.expires_at,
    }
}

#[tokio::test]
async fn an_account_reads_back_as_it_was_written() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let session = session_of(&fakes, &account, "hash");
        write(&fakes, Some(&account), &session).await;
        let found = by_email(sql, "ada@example.com").await.unwrap().unwrap();
        assert_eq!((&found.password_hash, found.status), (&account.password_hash, Status::Active));
        let principal = principal_of(sql, claims(&account, &session), fakes.host.now()).await.unwrap();
        assert_eq!(principal, Some(account.principal(session.id)));
        assert!(by_email(sql, "Ada@example.com").await.unwrap().is_none(), "addresses compare byte for byte");
        assert!(by_email(sql, "adá@example.com").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_taken_address_leaves_nothing_behind() {
    for (_database, fakes) in hosts().await {
        let (first, second) = (ada(&fakes), ada(&fakes));
        write(&fakes, Some(&first), &session_of(&fakes, &first, "first")).await;
        let now = fakes.host.now();
        let refused = fakes.host.sql.all_or_none(vec![insert_workspace(&second, now), insert(&second, now)]).await;
        assert!(matches!(refused, Err(SqlError::UniqueViolation { .. })), "{refused:?}");
        let workspaces = fakes.host.sql.query(Statement::new("SELECT id FROM workspaces")).await.unwrap();
        assert_eq!(workspaces.len(), 1);
    }
}

#[tokio::test]
async fn nobody_is_behind_a_session_that_is_over_or_not_theirs() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let session = session_of(&fakes, &account, "hash");
        write(&fakes, Some(&account), &session).await;
        let (now, good) = (fakes.host.now(), claims(&account, &session));
        let known = async |claims, at| principal_of(sql, claims, at).await.unwrap().is_some();
        assert!(known(good, now).await);
        assert!(!known(good, session.expires_at).await);
        assert!(!known(AccessClaims { workspace: WorkspaceId::new(now, [9; 10]), ..good }, now).await);
        assert!(!known(AccessClaims { user: UserId::new(now, [9; 10]), ..good }, now).await);
        assert!(!known(AccessClaims { session: SessionId::new(now, [9; 10]), ..good }, now).await);

        let (workspace, user) = (account.workspace, account.user);
        let somebody_else = UserId::new(now, [9; 10]);
        assert!(!revoke(sql, workspace, somebody_else, session.id, now).await.unwrap());
        assert!(known(good, now).await);
        assert!(revoke(sql, workspace, user, session.id, now).await.unwrap());
        assert!(!known(good, now).await);
        assert!(!revoke(sql, workspace, user, session.id, now).await.unwrap(), "a session ends once");
    }
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let session = session_of(&fakes, &account, "old");
        write(&fakes, Some(&account), &session).await;
        let (now, later) = (fakes.host.now(), session.expires_at + Duration::from_secs(60));
        let family = family_of(sql, "old", now).await.unwrap().unwrap();
        assert!(family.alive && family.exchanged_for_ms.is_none() && family.session == session.id);
        assert_eq!((family.began_at, family.made_at), (now, now));
        for (new_hash, wanted) in [("new", true), ("newer", false)] {
            assert_eq!(rotate(sql, &family, ("old", new_hash), now, later).await.unwrap(), wanted);
        }
        let ago = family_of(sql, "old", now).await.unwrap().unwrap().exchanged_for_ms.unwrap();
        assert!((0..60_000).contains(&ago), "{ago} ms by the database's clock, wherever ours stands");
        let next = family_of(sql, "new", session.expires_at).await.unwrap().unwrap();
        assert!(next.alive && next.exchanged_for_ms.is_none(), "the session lives on with its newest token");
        assert!(!family_of(sql, "old", session.expires_at).await.unwrap().unwrap().alive);
        assert!(family_of(sql, "newer", now).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_prolonged() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let session = session_of(&fakes, &account, "old");
        write(&fakes, Some(&account), &session).await;
        let now = fakes.host.now();
        let family = family_of(sql, "old", now).await.unwrap().unwrap();
        assert!(revoke(sql, account.workspace, account.user, session.id, now).await.unwrap());
        assert!(!rotate(sql, &family, ("old", "new"), now, session.expires_at).await.unwrap());
        let old = family_of(sql, "old", now).await.unwrap().unwrap();
        assert!(!old.alive && old.exchanged_for_ms.is_none(), "nothing of it has happened");
    }
}

#[tokio::test]
async fn a_session_that_was_prolonged_in_the_meantime_is_not_forgotten() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let session = session_of(&fakes, &account, "old");
        write(&fakes, Some(&account), &session).await;
        // It was read as expired by somebody, and then its refresh token was exchanged.
        let family = family_of(sql, "old", fakes.host.now()).await.unwrap().unwrap();
        let later = session.expires_at + Duration::from_secs(60);
        assert!(rotate(sql, &family, ("old", "new"), fakes.host.now(), later).await.unwrap());
        forget_session(sql, account.workspace, session.id, session.expires_at).await.unwrap();
        assert!(family_of(sql, "new", session.expires_at).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn all_sessions_end_but_the_one_that_is_kept() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let kept = session_of(&fakes, &account, "kept");
        write(&fakes, Some(&account), &kept).await;
        write(&fakes, None, &session_of(&fakes, &account, "other")).await;
        let now = fakes.host.now();
        run(sql, revoke_all(account.workspace, account.user, Some(kept.id), now)).await;
        let left = of_user(sql, account.workspace, account.user, None, 10, now).await.unwrap();
        assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [kept.id]);
        run(sql, revoke_all(account.workspace, account.user, None, now)).await;
        assert!(of_user(sql, account.workspace, account.user, None, 10, now).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn tokens_and_sessions_that_have_expired_are_forgotten() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let old = session_of(&fakes, &account, "old");
        write(&fakes, Some(&account), &old).await;
        fakes.clock.advance(Duration::from_secs(61));
        let new = session_of(&fakes, &account, "new");
        write(&fakes, None, &new).await;
        forget_expired(sql, (account.workspace, account.user, new.id), fakes.host.now()).await.unwrap();
        assert_eq!(sql.query(Statement::new("SELECT id FROM sessions")).await.unwrap().len(), 1);
        assert!(family_of(sql, "old", old.expires_at).await.unwrap().is_none(), "tokens go with their session");

        let family = family_of(sql, "new", fakes.host.now()).await.unwrap().unwrap();
        let later = new.expires_at + Duration::from_secs(60);
        assert!(rotate(sql, &family, ("new", "newer"), fakes.host.now(), later).await.unwrap());
        forget_expired(sql, (account.workspace, account.user, new.id), new.expires_at).await.unwrap();
        assert!(family_of(sql, "new", new.expires_at).await.unwrap().is_none());
        assert!(family_of(sql, "newer", new.expires_at).await.unwrap().unwrap().alive);
    }
}

#[tokio::test]
async fn of_many_who_sign_up_and_in_at_once_none_is_turned_away() {
    for (_database, fakes) in hosts().await {
        let fakes = &fakes;
        let one = async |number: usize| {
            let account = Account { email: format!("{number}@example.com"), ..ada(fakes) };
            write(fakes, Some(&account), &session_of(fakes, &account, &format!("first of {number}"))).await;
            let whose = session_of(fakes, &account, &format!("second of {number}"));
            write(fakes, None, &whose).await;
            forget_expired(&*fakes.host.sql, (account.workspace, account.user, whose.id), fakes.host.now()).await
        };
        let forgotten: Vec<_> = futures::future::join_all((0..40).map(one)).await;
        assert!(forgotten.iter().all(Result::is_ok), "{forgotten:?}");
        let sessions = fakes.host.sql.query(Statement::new("SELECT id FROM sessions")).await.unwrap();
        assert_eq!(sessions.len(), 80);
    }
}

#[tokio::test]
async fn sessions_are_listed_newest_first_page_by_page() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        let mut ids = Vec::new();
        for number in 0..5 {
            fakes.clock.advance(Duration::from_millis(1));
            let session = session_of(&fakes, &account, &format!("hash {number}"));
            write(&fakes, (number == 0).then_some(&account), &session).await;
            ids.insert(0, session.id);
        }
        let (now, workspace, user) = (fakes.host.now(), account.workspace, account.user);
        let page = async |before, limit| {
            let sessions = of_user(sql, workspace, user, before, limit, now).await.unwrap();
            sessions.into_iter().map(|session| session.id).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2).await, ids[..2]);
        assert_eq!(page(Some(ids[1]), 100).await, ids[2..]);
        let shown = of_user(sql, workspace, user, None, 1, now).await.unwrap().remove(0);
        assert_eq!((shown.user_agent.as_deref(), shown.address.as_deref()), (Some("curl/8"), Some("2001:db8::1")));
    }
}

#[tokio::test]
async fn the_first_signing_key_is_the_one() {
    for (_database, fakes) in hosts().await {
        let (sql, now) = (&*fakes.host.sql, fakes.host.now());
        assert_eq!(signing_key(sql).await.unwrap(), None);
        let first = keep_signing_key(sql, &[1; 32], now).await.unwrap();
        assert_eq!(first, "01".repeat(32).into_bytes());
        assert_eq!(keep_signing_key(sql, &[2; 32], now).await.unwrap(), first);
        assert_eq!(signing_key(sql).await.unwrap(), Some(first));
    }
}

#[tokio::test]
async fn a_new_hash_replaces_only_the_one_that_was_verified() {
    for (_database, fakes) in hosts().await {
        let (sql, mut account) = (&*fakes.host.sql, ada(&fakes));
        write(&fakes, Some(&account), &session_of(&fakes, &account, "hash")).await;
        run(sql, replace_password_hash(&account, "stronger", fakes.host.now())).await;
        account.password_hash = "never was".to_owned();
        run(sql, replace_password_hash(&account, "overwritten", fakes.host.now())).await;
        let found = by_email(sql, "ada@example.com").await.unwrap().unwrap();
        assert_eq!(found.password_hash, "stronger");
    }
}

#[tokio::test]
async fn a_role_of_a_later_version_gives_nothing_and_locks_nobody_out() {
    for (_database, fakes) in hosts().await {
        let (sql, account) = (&*fakes.host.sql, ada(&fakes));
        write(&fakes, Some(&account), &session_of(&fakes, &account, "hash")).await;
        sql.execute(Statement::new("UPDATE users SET roles = ?").bind(r#"["emperor", "viewer"]"#)).await.unwrap();
        let found = by_email(sql, "ada@example.com").await.unwrap().unwrap();
        assert_eq!(found.roles, [Role::Viewer]);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_costs_no_connection() {
    for (database, fakes) in hosts().await {
        let sql = database.sql.clone();
        fakes.variables.set("auth_secret", "a secret of more than thirty-two bytes");
        fakes.variables.set("registration", "open");
        let accounts =
            crate::Accounts::new(fakes.host.clone(), std::sync::Arc::new(crate::Authenticator::new(fakes.host)));
        let register = async || {
            let account =
                crate::NewAccount::parse("ada@example.com", "analytical engine".to_owned().into(), None).unwrap();
            accounts.register(account, None, Device::default(), None).await.map(drop)
        };
        register().await.unwrap();
        // It is seen by the connection that made it, and by no other.
        sql.execute(Statement::new("CREATE TEMPORARY TABLE of_this_connection (id INTEGER)")).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(register().await, Err(crate::AccountError::EmailTaken)));
            sql.query(Statement::new("SELECT id FROM of_this_connection")).await.unwrap();
        }
    }
}
