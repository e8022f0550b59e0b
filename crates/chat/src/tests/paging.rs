//! Pages and histories are bounded in bytes, and are made of the rows that there are.

use futures::future::join_all;
use host::sql::{Dialect, Statement};
use ids::Id;

use super::*;
use crate::message::repo::{Span, list_statement, recent_statement};

/// What the pages of a test say at most; see [`crate::budget`].
const PAGE_BYTES: usize = crate::budget::PAGE_BYTES;

/// Stores `pairs` more messages with their answers, each saying `text`, and counts them.
async fn fill(room: &Room, conversation: ConversationId, pairs: i64, text: &str) {
    let sql = &*room.fakes.host.sql;
    let found = room.chat.conversation(&room.owner, conversation).await.unwrap();
    for position in found.message_count + 1..=found.message_count + 2 * pairs {
        let id: MessageId = room.fakes.host.new_id();
        let role = if position % 2 == 1 { "user" } else { "assistant" };
        let statement = "INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, \
                         created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'completed', ?, ?, ?)";
        let (workspace, made) = (room.owner.workspace, id.made_at());
        sql.execute(
            Statement::new(statement)
                .bind(id)
                .bind(conversation)
                .bind(workspace)
                .bind(position)
                .bind(role)
                .bind(text)
                .bind(made)
                .bind(made),
        )
        .await
        .unwrap();
    }
    let count = "UPDATE conversations SET last_position = last_position + ? WHERE id = ?";
    sql.execute(Statement::new(count).bind(2 * pairs).bind(conversation)).await.unwrap();
}

/// Deletes messages as retention does.
async fn lose(room: &Room, conversation: ConversationId, positions: std::ops::RangeInclusive<i64>) {
    let statement = "DELETE FROM messages WHERE conversation_id = ? AND position BETWEEN ? AND ?";
    room.fakes
        .host
        .sql
        .execute(Statement::new(statement).bind(conversation).bind(*positions.start()).bind(*positions.end()))
        .await
        .unwrap();
}

/// The pages of a conversation: for each the positions of its messages, and how many bytes these say.
async fn pages(room: &Room, conversation: ConversationId, rows: i64) -> Vec<(Vec<i64>, usize)> {
    let (mut pages, mut after) = (Vec::new(), 0);
    loop {
        let page = room.chat.messages(&room.owner, conversation, after, rows).await.unwrap();
        let positions: Vec<i64> = page.messages.iter().map(|message| message.position).collect();
        after = positions.last().copied().unwrap_or(after);
        pages.push((positions, page.messages.iter().map(|message| message.content.len()).sum()));
        if !page.has_more {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_of_long_messages_are_bounded_in_bytes_and_miss_none() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 50, &"\u{1}".repeat(100_000)).await;
        let readers = join_all((0..32).map(|_| pages(&room, conversation, 100))).await;
        for pages in readers {
            assert!(pages.iter().all(|(_, bytes)| *bytes <= PAGE_BYTES), "{pages:?}");
            assert_eq!(pages.iter().map(|(positions, _)| positions.len()).max(), Some(PAGE_BYTES / 100_000));
            let positions: Vec<i64> = pages.into_iter().flat_map(|(positions, _)| positions).collect();
            assert_eq!(positions, (1..=100).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_message_that_is_longer_than_a_page_is_a_page() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 1, "short").await;
        fill(&room, conversation, 1, &"é".repeat(PAGE_BYTES)).await;
        fill(&room, conversation, 1, "short").await;
        let long = 2 * PAGE_BYTES;
        let expected = [(vec![1, 2], 10), (vec![3], long), (vec![4], long), (vec![5, 6], 10)];
        assert_eq!(pages(&room, conversation, 20).await, expected);
    }
}

#[tokio::test]
async fn a_page_that_waits_for_others_too_long_is_refused() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 1, &"x".repeat(9 * 1024 * 1024)).await;
        let page = room.chat.messages(&room.owner, conversation, 0, 1).await.unwrap();
        let refused = async {
            let second = room.chat.messages(&room.owner, conversation, 0, 1);
            room.while_time_passes(second).await.unwrap_err()
        };
        assert_eq!(fault::Fault::code(&refused.await), "overloaded");
        // What is held is what the page says, for as long as its holder says.
        let crate::MessagePage { messages, hold, .. } = page;
        drop((messages, hold));
        room.chat.messages(&room.owner, conversation, 0, 1).await.unwrap();
    }
}

#[tokio::test]
async fn messages_that_retention_has_taken_leave_no_empty_pages() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 30, "x").await;
        for (lost, expected) in [
            (1..=40, (41..=60).collect::<Vec<i64>>()),
            (45..=56, (41..=44).chain(57..=60).collect()),
            (60..=60, (41..=44).chain(57..=59).collect()),
            (41..=60, Vec::new()),
        ] {
            lose(&room, conversation, lost).await;
            let pages = pages(&room, conversation, 4).await;
            let full = pages.iter().rev().skip(1).all(|(positions, _)| positions.len() == 4);
            assert!(full && pages.len() <= expected.len().div_ceil(4).max(1), "{pages:?}");
            assert_eq!(pages.into_iter().flat_map(|(positions, _)| positions).collect::<Vec<_>>(), expected);
        }
    }
}

#[tokio::test]
async fn a_model_is_told_as_many_bytes_of_the_past_as_it_can_read() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        fill(&room, conversation, 10, "old").await;
        // Together with what follows more than the model's 750 tokens of four bytes.
        fill(&room, conversation, 1, &"yes ".repeat(350)).await;
        fill(&room, conversation, 2, &"zest ".repeat(10)).await;
        lose(&room, conversation, 24..=24).await;
        room.post(conversation, "Hi").await.unwrap();
        let asked = room.model.was_asked().pop().unwrap();
        let lengths: Vec<usize> = asked.iter().map(String::len).collect();
        assert_eq!(
            lengths,
            [1406, 1411, 56, 61, 8],
            "the question without an answer is left out, and what does not fit"
        );
    }
}

#[tokio::test]
async fn long_exchanges_are_read_only_where_there_is_room_for_them() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        for text in ["a", &"b".repeat(300_000), &"c".repeat(30_000), &"d".repeat(200_000), "e"] {
            fill(&room, conversation, 1, text).await;
        }
        let past = room.chat.past(&room.owner, conversation).await.unwrap();
        let read: Vec<bool> = past.newest.iter().map(|recent| recent.exchange.is_some()).collect();
        assert_eq!(read, [true, false, false, false, true], "long ones are not read with the others");
        for (most_bytes, told) in [
            (0, &[][..]),
            (2, &["e"]),
            (400_001, &["e"]),
            (400_002, &["d", "e"]),
            (1_000_000, &["c", "d", "e"]),
            // Never more than 1 MiB, however much the model could read.
            (usize::MAX, &["c", "d", "e"]),
        ] {
            let newest = past.newest.clone();
            let history = room.chat.history(&room.owner, conversation, newest, most_bytes).await.unwrap();
            let letters: Vec<&str> = history.iter().map(|exchange| &exchange.question[..1]).collect();
            assert_eq!(letters, told, "{most_bytes} bytes");
        }
    }
}

#[tokio::test]
async fn mariadb_reads_pages_and_histories_in_the_order_of_the_index() {
    for room in rooms().await {
        let sql = &*room.fakes.host.sql;
        if sql.dialect() != Dialect::MariaDb {
            continue;
        }
        let conversation = room.conversation().await;
        fill(&room, conversation, 50, "x").await;
        sql.execute(Statement::new("ANALYZE TABLE messages, conversations")).await.unwrap();
        let (viewer, now) = (&room.owner, room.fakes.host.now());
        let span = Span { after: 0, rows: 21, whole_bytes: 100 };
        let page = list_statement(viewer, conversation, span, now);
        for statement in [page, recent_statement(viewer, conversation, 50, 100, now)] {
            let explain = Statement::new(format!("EXPLAIN {}", statement.text()));
            let plan = sql.query(explain.bind_all(statement.params().to_vec())).await.unwrap();
            for row in &plan {
                let (key, extra): (Option<String>, Option<String>) = (row.get(5).unwrap(), row.get(9).unwrap());
                let extra = extra.unwrap_or_default();
                assert!(key.is_some(), "every table is read by an index: {plan:?}");
                assert!(!extra.contains("filesort") && !extra.contains("temporary"), "{plan:?}");
            }
        }
    }
}
