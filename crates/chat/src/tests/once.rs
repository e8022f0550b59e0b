//! Requests that are sent twice under one idempotency key happen once.

use fault::Fault;
use host::sql::Statement;
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
        room.post(first.value.id, "Hi").await.unwrap();
        let again = begin("k", "{}").await.unwrap();
        assert_eq!((again.value, again.is_replay), (first.value.clone(), true));
        assert_eq!(begin("k", "{ }").await.unwrap_err().code(), "idempotency_key_reused");
        assert_ne!(begin("other", "{}").await.unwrap().value.id, first.value.id);
        assert_eq!(room.chat.conversations(&room.owner, None, 10).await.unwrap().len(), 2);
        let colleague = Viewer { user: room.fakes.host.new_id(), ..room.owner };
        let theirs = room.chat.begin(&colleague, draft(), Some(&attempt("k", "{}"))).await.unwrap();
        assert_ne!(theirs.value.id, first.value.id);
    }
}

#[tokio::test]
async fn expired_keys_are_deleted_behind_responses() {
    for room in rooms().await {
        room.chat.begin(&room.owner, Draft::default(), Some(&attempt("k", "{}"))).await.unwrap();
        let keys = async || {
            room.chat.conversations(&room.owner, None, 10).await.unwrap();
            room.fakes.tasks.run().await;
            let rows =
                room.fakes.host.sql.query(Statement::new("SELECT COUNT(*) FROM idempotency_keys")).await.unwrap();
            rows[0].get::<i64>(0).unwrap()
        };
        assert_eq!(keys().await, 1);
        room.fakes.clock.advance(idempotency::KEPT_FOR);
        assert_eq!(keys().await, 0);
    }
}

/// A message that is posted under the key `k`.
fn keyed(text: &str) -> Question {
    Question { attempt: Some(attempt("k", text)), ..question(text) }
}

async fn stream_of(room: &Room, conversation: ConversationId) -> (Vec<Event>, bool) {
    let posting = room.chat.post_streaming(&room.owner, &room.call, conversation, keyed("Hi"));
    let answer = posting.await.unwrap();
    (room.while_time_passes(room.with_writers(answer.value.collect())).await, answer.is_replay)
}

#[tokio::test]
async fn a_message_that_is_posted_twice_is_stored_and_paid_once() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let post = async || {
            let posting = room.chat.post(&room.owner, &room.call, conversation, keyed("Hi"));
            room.with_writers(posting).await.unwrap()
        };
        let (first, again) = (post().await, post().await);
        assert_eq!((first.is_replay, again.is_replay), (false, true));
        let told = |posted: &Posted| (posted.question.id, posted.answer.id, posted.answer.content.clone());
        assert_eq!(told(&again.value), told(&first.value));
        assert_eq!(room.model.was_asked().len(), 1);
        assert_eq!(room.post_as(conversation, keyed("Ho")).await.unwrap_err().code(), "idempotency_key_reused");
        assert_eq!(room.transcript(conversation).await.len(), 2);
    }
}

#[tokio::test]
async fn who_repeats_a_message_before_its_answer_is_there_is_told_to_wait() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let posting = room.chat.post(&room.owner, &room.call, conversation, keyed("Hi"));
        // The client has gone, as `curl --max-time 1` does.
        tokio::time::timeout(Duration::from_millis(500), room.with_writers(posting)).await.unwrap_err();
        for on_busy in [OnBusy::Reject, OnBusy::Queue, OnBusy::Interrupt] {
            let refused = room.post_as(conversation, Question { on_busy, ..keyed("Hi") }).await.unwrap_err();
            assert_eq!((refused.code(), refused.retry_after_ms()), ("idempotency_key_in_use", Some(1000)));
        }
        say_hello(&lead);
        let answered = async {
            loop {
                match room.post_as(conversation, keyed("Hi")).await {
                    Err(refused) if refused.code() == "idempotency_key_in_use" => tokio::task::yield_now().await,
                    outcome => return outcome.unwrap(),
                }
            }
        };
        assert_eq!(room.while_time_passes(answered).await.answer.content, "Hello there!");
        assert_eq!(room.model.was_asked().len(), 1);
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant completed Hello there!"]);
    }
}

#[tokio::test]
async fn a_streamed_answer_is_told_again_from_its_first_event() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let (first, was_replay) = stream_of(&room, conversation).await;
        let (again, is_replay) = stream_of(&room, conversation).await;
        assert_eq!((was_replay, is_replay), (false, true));
        assert_eq!(lines(&again), lines(&first));
        assert_eq!(room.model.was_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_message_whose_answer_failed_has_failed_when_it_is_repeated() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.model.refuses(503, &llm::ModelError::RateLimited { retry_after_ms: Some(1500) });
        for _ in 0..2 {
            let refused = room.post_as(conversation, keyed("Hi")).await.unwrap_err();
            assert_eq!((refused.code(), refused.retry_after_ms()), ("model_rate_limited", Some(1500)));
        }
        assert_eq!(room.model.was_asked().len(), 1);
    }
}

#[tokio::test]
async fn of_the_same_messages_at_once_one_is_stored_and_one_is_paid() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posts = (0..8).map(|_| room.chat.post(&room.owner, &room.call, conversation, keyed("Hi")));
        let outcomes = room.while_time_passes(room.with_writers(futures::future::join_all(posts))).await;
        let mut answers = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(posted) => answers.push(posted.value.answer.id),
                Err(refused) => assert_eq!(refused.code(), "idempotency_key_in_use"),
            }
        }
        let stored = room.messages(conversation).await;
        assert_eq!(stored.len(), 2);
        assert!(!answers.is_empty() && answers.iter().all(|answer| *answer == stored[1].id));
        assert_eq!(room.model.was_asked().len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_retention_has_taken_since_it_was_posted_is_gone_when_it_is_repeated() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.post_as(conversation, keyed("Hi")).await.unwrap();
        room.model.was_asked();
        for gone in ["user", "assistant"] {
            room.fakes
                .host
                .sql
                .execute(Statement::new("DELETE FROM messages WHERE role = ?").bind(gone))
                .await
                .unwrap();
            let whole = room.post_as(conversation, keyed("Hi")).await.unwrap_err();
            let streamed =
                room.chat.post_streaming(&room.owner, &room.call, conversation, keyed("Hi")).await.err().unwrap();
            assert_eq!([whole, streamed].map(|error| fault::Fault::code(&error)), ["no_longer_kept"; 2], "{gone}");
        }
        assert!(room.model.was_asked().is_empty(), "it is not posted again");
    }
}
