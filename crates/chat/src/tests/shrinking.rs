//! Models that read less than we think.

use fault::Fault;

use super::*;

/// A conversation with four exchanges: questions of 90 bytes, answers of ten.
async fn long(room: &Room) -> ConversationId {
    let conversation = room.conversation().await;
    room.model.says(&["0123456789"]);
    for letter in ["a", "b", "c", "d"] {
        room.post(conversation, &letter.repeat(90)).await.unwrap();
    }
    room.model.was_asked();
    conversation
}

/// How many exchanges of the past, and the letter of the newest, each request so far told.
fn told(room: &Room) -> Vec<usize> {
    let asked = room.model.was_asked();
    asked
        .iter()
        .for_each(|messages| assert_eq!(messages.last().unwrap(), "user: now", "the new message is never left out"));
    asked.iter().map(|messages| messages.len() / 2).collect()
}

#[tokio::test]
async fn a_model_that_reads_less_than_we_think_is_asked_with_less_of_the_past() {
    for room in rooms().await {
        for begins_first in [false, true] {
            for (reads, asked) in
                [(1000, &[4][..]), (303, &[4, 2]), (103, &[4, 2, 1]), (50, &[4, 2, 1, 0]), (3, &[4, 2, 1, 0])]
            {
                let conversation = long(&room).await;
                room.model.reads(reads, begins_first);
                let posted = room.post(conversation, "now").await.unwrap();
                assert_eq!(posted.answer.content, "0123456789", "{reads}");
                assert_eq!(told(&room), asked, "a model that reads {reads} bytes");
                room.model.reads(usize::MAX, false);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_begins_once_however_often_its_model_was_asked() {
    for room in rooms().await {
        let conversation = long(&room).await;
        room.model.reads(103, true);
        let events = room.stream(conversation, "now").await;
        assert_eq!(
            lines(&events),
            [
                r#"1 message.started {"asked":"now","status":"in_progress","begins":""}"#,
                r#"2 message.delta {"text":"0123456789"}"#,
                r#"3 message.completed {"status":"completed","content":"0123456789"}"#,
            ]
        );
        assert_eq!(told(&room), [4, 2, 1]);
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_by_itself_fails_after_three_more_attempts() {
    for room in rooms().await {
        let conversation = long(&room).await;
        room.model.reads(2, false);
        let failed = room.post(conversation, "now").await.unwrap_err();
        assert_eq!(failed.code(), "context_exceeded");
        assert_eq!(told(&room), [4, 2, 1, 0]);
        let answer = room.messages(conversation).await.pop().unwrap();
        assert_eq!((<&str>::from(answer.status), answer.usage), ("failed", None), "nobody has read it");

        // Where there is no past there is nothing to leave out.
        let alone = room.conversation().await;
        assert_eq!(room.post(alone, "now").await.unwrap_err().code(), "context_exceeded");
        assert_eq!(told(&room), [0]);
    }
}

#[tokio::test]
async fn what_is_booked_without_the_providers_word_is_what_was_asked_in_the_end() {
    for room in rooms().await {
        let conversation = long(&room).await;
        room.model.reads(103, true);
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        room.model.sends(&[end]);
        let shrunk = room.post(conversation, "now").await.unwrap().answer.usage.unwrap();
        assert_eq!(told(&room), [4, 2, 1]);
        let whole = long(&room).await;
        room.model.sends(&[end]);
        room.model.reads(usize::MAX, false);
        let asked = room.post(whole, "now").await.unwrap().answer.usage.unwrap();
        assert!(shrunk.is_estimated && asked.is_estimated);
        assert!(shrunk.input_tokens * 3 < asked.input_tokens, "{shrunk:?} {asked:?}");
    }
}
