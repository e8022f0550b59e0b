//! Account tokens and letters.

use host::sql::Statement;
use ids::Timestamp;

use super::*;
use crate::{
    account_token::{AccountToken, Purpose},
    notice::{Notice, NoticeKind},
    repo::tokens::{find, forget_expired, insert, insert_notice, notices, use_up, use_up_all},
};

fn reset_of(fakes: &Fakes, account: &Account) -> AccountToken {
    AccountToken {
        id: fakes.host.new_id(),
        workspace: account.workspace,
        user: Some(account.user),
        purpose: Purpose::PasswordReset,
        email: None,
        role: None,
        expires_at: fakes.host.now() + Duration::from_secs(60),
    }
}

#[tokio::test]
async fn a_token_is_good_once_for_its_purpose_and_its_time() {
    for (_database, fakes) in hosts().await {
        let (sql, account, now) = (&*fakes.host.sql, ada(&fakes), fakes.host.now());
        write(&fakes, Some(&account), &session_of(&fakes, &account, "session")).await;
        let token = reset_of(&fakes, &account);
        run(sql, insert(&token, "hash", now)).await;
        let found = async |purpose, at: Timestamp| find(sql, "hash", purpose, at).await.unwrap();
        assert_eq!(found(Purpose::PasswordReset, now).await.unwrap().user, Some(account.user));
        assert!(found(Purpose::EmailVerification, now).await.is_none());
        assert!(found(Purpose::PasswordReset, token.expires_at).await.is_none());
        assert!(sql.all_or_none(vec![use_up(&token, now)]).await.unwrap());
        assert!(!sql.all_or_none(vec![use_up(&token, now)]).await.unwrap());
        assert!(found(Purpose::PasswordReset, now).await.is_none());

        run(sql, insert(&reset_of(&fakes, &account), "another", now)).await;
        run(sql, use_up_all(account.workspace, account.user, Purpose::PasswordReset, now)).await;
        assert!(find(sql, "another", Purpose::PasswordReset, now).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_invitation_keeps_whom_it_is_for_and_what_it_gives() {
    for (_database, fakes) in hosts().await {
        let (sql, account, now) = (&*fakes.host.sql, ada(&fakes), fakes.host.now());
        write(&fakes, Some(&account), &session_of(&fakes, &account, "session")).await;
        let invitation = AccountToken {
            user: None,
            purpose: Purpose::Invitation,
            email: Some("josé@bücher.example".to_owned()),
            role: Some(Role::Member),
            ..reset_of(&fakes, &account)
        };
        run(sql, insert(&invitation, "hash", now)).await;
        let found = find(sql, "hash", Purpose::Invitation, now).await.unwrap().unwrap();
        assert_eq!((found.user, found.role), (None, Some(Role::Member)));
        assert_eq!((found.email, found.workspace), (invitation.email, account.workspace));
    }
}

#[tokio::test]
async fn letters_are_read_newest_first_and_go_with_their_account() {
    for (_database, fakes) in hosts().await {
        let (sql, account, now) = (&*fakes.host.sql, ada(&fakes), fakes.host.now());
        write(&fakes, Some(&account), &session_of(&fakes, &account, "session")).await;
        let token = reset_of(&fakes, &account);
        run(sql, insert(&token, "hash", now)).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            fakes.clock.advance(Duration::from_millis(1));
            let notice = Notice {
                id: fakes.host.new_id(),
                workspace: account.workspace,
                user: Some(account.user),
                kind: NoticeKind::PasswordReset,
                recipient: account.email.clone(),
                token: Some(token.id),
                expires_at: token.expires_at,
            };
            run(sql, insert_notice(&notice, now)).await;
            ids.insert(0, notice.id);
        }
        let read = async |before, limit, at| notices(sql, before, limit, at).await.unwrap();
        let first = read(None, 2, now).await;
        assert_eq!(first.iter().map(|kept| kept.notice.id).collect::<Vec<_>>(), ids[..2]);
        assert_eq!(first[0].token_hash.as_deref(), Some("hash"));
        assert_eq!(read(Some(ids[1]), 9, now).await[0].notice.id, ids[2]);
        assert!(read(None, 9, token.expires_at).await.is_empty());
        forget_expired(sql, now).await.unwrap();
        assert_eq!(read(None, 9, now).await.len(), 3);
        run(sql, crate::repo::accounts::delete(account.workspace, account.user)).await;
        assert!(read(None, 9, now).await.is_empty());
        let left = sql.query(Statement::new("SELECT id FROM account_tokens")).await.unwrap();
        assert!(left.is_empty());
    }
}
