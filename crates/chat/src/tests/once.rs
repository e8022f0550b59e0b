//! Requests that are sent twice under one idempotency key happen once.

use fault::Fault;
use host::params;
use idempotency::{Attempt, Key};

use super::*;
use crate::Title;

/// A request under `key` with `body`.
fn attempt(key: &str, body: &str) -> Attempt {
    Attempt::new(&Key::parse(key.as_bytes()).unwrap(), "POST", "/v1/conversations", body.as_bytes())
}

#[tokio::test]
async fn a_conversation_is_begun_once_and_told_of_as_it_was_begun() {
    for room in rooms().await {
        let draft = || Draft { title: Some(Title::parse("Trip").unwrap()), agent: None };
        let begin = async |key, body| room.chat.begin(&room.owner, draft(), Some(&attempt(key, body))).await;
        let first = begin("k", "{}").await.unwrap();
        assert!(!first.is_replay);
        room.fakes.clock.advance(Duration::from_secs(60));
        room.post(first.conversation.id, "Hi").await.unwrap();
        let again = begin("k", "{}").await.unwrap();
        assert_eq!((again.conversation, again.is_replay), (first.conversation.clone(), true));
        assert_eq!(begin("k", "{ }").await.unwrap_err().code(), "idempotency_key_reused");
        assert_ne!(begin("other", "{}").await.unwrap().conversation.id, first.conversation.id);
        assert_eq!(room.chat.conversations(&room.owner, None, 10).await.unwrap().len(), 2);
        let colleague = Viewer { user: room.fakes.host.new_id(), ..room.owner };
        let theirs = room.chat.begin(&colleague, draft(), Some(&attempt("k", "{}"))).await.unwrap();
        assert_ne!(theirs.conversation.id, first.conversation.id);
    }
}

#[tokio::test]
async fn expired_keys_are_deleted_behind_responses() {
    for room in rooms().await {
        room.chat.begin(&room.owner, Draft::default(), Some(&attempt("k", "{}"))).await.unwrap();
        let keys = async || {
            room.chat.conversations(&room.owner, None, 10).await.unwrap();
            room.fakes.tasks.run().await;
            let rows = room.fakes.host.sql.query("SELECT COUNT(*) FROM idempotency_keys", params![]).await.unwrap();
            rows[0].get::<i64>(0).unwrap()
        };
        assert_eq!(keys().await, 1);
        room.fakes.clock.advance(idempotency::KEPT_FOR);
        assert_eq!(keys().await, 0);
    }
}
