//! Deleted conversations are gone at once, and what they said is gone soon, whatever happens in between.

use host::sql::Statement;
use ids::Id;

use super::*;
use crate::deletion::Tombstone;

async fn count(room: &Room, table: &str) -> i64 {
    let rows = room.fakes.host.sql.query(Statement::new(format!("SELECT COUNT(*) FROM {table}"))).await.unwrap();
    rows[0].get(0).unwrap()
}

async fn delete(room: &Room, conversation: ConversationId) -> Result<(), ChatError> {
    room.chat.delete(&room.owner, conversation, |_| Ok::<(), ChatError>(())).await
}

/// How many rows are left of all conversations: of them, of their messages, of events, of tombstones.
async fn left(room: &Room) -> [i64; 4] {
    [
        count(room, "conversations").await,
        count(room, "messages").await,
        count(room, "message_events").await,
        count(room, "deleted_conversations").await,
    ]
}

/// Stores `messages` messages, every second one with an event, a second apart.
async fn fill(room: &Room, conversation: ConversationId, messages: i64) {
    let sql = &*room.fakes.host.sql;
    let workspace = room.owner.workspace.to_string();
    for first in (1..=messages).step_by(500) {
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        for position in first..=messages.min(first + 499) {
            room.fakes.clock.advance(Duration::from_secs(1));
            let id: MessageId = room.fakes.host.new_id();
            let (text, made) = (id.to_string(), id.made_at().as_millis());
            let role = if position % 2 == 1 { "user" } else { "assistant" };
            rows.push(format!(
                "('{text}', '{conversation}', '{workspace}', {position}, '{role}', 'completed', 'x', {made}, {made})"
            ));
            if position % 2 == 0 {
                events.push(format!("('{text}', '{workspace}', 1, '[]', {made})"));
            }
        }
        let statement = "INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, \
                         created_at, updated_at) VALUES ";
        sql.execute(Statement::new(format!("{statement}{}", rows.join(", ")))).await.unwrap();
        let statement = "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) VALUES ";
        sql.execute(Statement::new(format!("{statement}{}", events.join(", ")))).await.unwrap();
    }
    let count = "UPDATE conversations SET last_position = ? WHERE id = ?";
    sql.execute(Statement::new(count).bind(messages).bind(conversation)).await.unwrap();
}

#[tokio::test]
async fn a_deleted_conversation_leaves_nothing_behind() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.stream(conversation, "Hi").await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.settles().await;

        delete(&room, conversation).await.unwrap();
        assert_eq!(fault::Fault::code(&delete(&room, conversation).await.unwrap_err()), "conversation_not_found");
        let refused = room.chat.post(&room.owner, &room.call, conversation, question("Hi")).await.unwrap_err();
        assert_eq!(refused.to_string(), "there is no such conversation");
        room.fakes.tasks.run().await;
        lead.unbounded_send(Ok(spoken(", yes"))).unwrap();
        lead.unbounded_send(Ok(last_words())).unwrap();
        assert!(writer.settles().await, "the writer stops");
        // What it said meanwhile was shown; an end of the answer was not.
        let events: Vec<Event> = events.collect().await;
        assert_eq!(lines(&events)[1..], [r#"2 message.delta {"text":"Well"}"#, r#"3 message.delta {"text":", yes"}"#]);
        assert_eq!(left(&room).await, [0; 4]);
    }
}

#[tokio::test]
async fn a_large_conversation_is_deleted_in_batches_and_no_other_with_it() {
    const MESSAGES: i64 = 4_000;
    for room in rooms().await {
        let (large, other) = (room.conversation().await, room.conversation().await);
        fill(&room, large, MESSAGES).await;
        fill(&room, other, 10).await;
        delete(&room, large).await.unwrap();
        assert_eq!(left(&room).await, [1, MESSAGES + 10, MESSAGES / 2 + 5, 1], "the response waits for none of it");
        let tombstone = Tombstone { conversation: large, workspace: room.owner.workspace };
        assert!(room.chat.erase_batch(tombstone).await.unwrap());
        assert_eq!(left(&room).await, [1, MESSAGES - 190, MESSAGES / 2 - 95, 1], "a batch is 200 messages");
        room.fakes.tasks.run().await;
        assert_eq!(left(&room).await, [1, 10, 5, 0]);
        assert_eq!(room.messages(other).await.len(), 10);
    }
}

#[tokio::test]
async fn a_conversation_of_fifty_thousand_messages_is_deleted_far_within_the_deadline_of_each_statement() {
    const MESSAGES: i64 = 50_000;
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, MESSAGES).await;
        delete(&room, conversation).await.unwrap();
        drop(room.fakes.tasks.take());
        let tombstone = Tombstone { conversation, workspace: room.owner.workspace };
        let (mut batches, mut slowest) = (0, Duration::ZERO);
        loop {
            let began = std::time::Instant::now();
            let is_more = room.chat.erase_batch(tombstone).await.unwrap();
            slowest = slowest.max(began.elapsed());
            if !is_more {
                break;
            }
            batches += 1;
        }
        assert_eq!((batches, left(&room).await), (MESSAGES / 200, [0; 4]));
        // The last batch as well as the first: what is deleted already is not looked at again.
        assert!(slowest < Duration::from_secs(3), "a batch of four statements took {slowest:?}");
    }
}

#[tokio::test]
async fn messages_with_many_rows_of_events_make_small_batches() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 4).await;
        let more = "INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) \
                    SELECT m.id, m.workspace_id, ? + n.position * 3 + k.position, '[]', m.created_at \
                    FROM messages m, messages n, messages k WHERE m.role = 'assistant' AND n.position < 4 AND k.position < 4";
        for round in 0..150 {
            room.fakes.host.sql.execute(Statement::new(more).bind(round * 9)).await.unwrap();
        }
        delete(&room, conversation).await.unwrap();
        drop(room.fakes.tasks.take());
        let tombstone = Tombstone { conversation, workspace: room.owner.workspace };
        let mut batches = Vec::new();
        while room.chat.erase_batch(tombstone).await.unwrap() {
            batches.push(count(&room, "messages").await);
        }
        // An answer has 1,351 rows: the two answers do not go together.
        assert_eq!(batches, [2, 0]);
        assert_eq!(left(&room).await, [0; 4]);
    }
}

#[tokio::test]
async fn what_a_dead_instance_has_left_is_deleted_by_who_comes_next() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 1000).await;
        delete(&room, conversation).await.unwrap();
        let tombstone = Tombstone { conversation, workspace: room.owner.workspace };
        room.chat.erase_batch(tombstone).await.unwrap();
        drop(room.fakes.tasks.take()); // The instance is killed.
        let list = async || {
            room.fakes.clock.advance(Duration::from_secs(60));
            assert!(room.chat.conversations(&room.owner, None, 10).await.unwrap().is_empty());
            room.fakes.tasks.run().await;
        };
        list().await;
        assert_eq!(left(&room).await, [0, 800, 400, 1], "its claim has not run out yet");
        // Claims run out by the database's clock, which no test sets.
        room.fakes
            .host
            .sql
            .execute(Statement::new("UPDATE deleted_conversations SET claimed_until = 1"))
            .await
            .unwrap();
        list().await;
        assert_eq!(left(&room).await, [0; 4]);
    }
}

#[tokio::test]
async fn an_instance_looks_for_leftovers_once_a_minute() {
    for room in rooms().await {
        let looks = async || {
            room.chat.conversations(&room.owner, None, 10).await.unwrap();
            room.fakes.tasks.take().len()
        };
        assert_eq!((looks().await, looks().await), (1, 0));
        room.fakes.clock.advance(Duration::from_secs(60));
        assert_eq!((looks().await, looks().await), (1, 0));
    }
}
