use fault::Fault;

use crate::{Change, Title};

use super::*;

#[tokio::test]
async fn only_the_owner_and_who_manages_the_workspace_know_of_a_conversation() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.stream(conversation, "Hi").await;
        let answer = room.messages(conversation).await[1].id;
        let colleague = Viewer { user: room.fakes.host.new_id(), ..room.owner };
        let manager = Viewer { manages_workspace: true, ..colleague };
        let stranger = Viewer { workspace: room.fakes.host.new_id(), manages_workspace: true, ..room.owner };
        for viewer in [colleague, stranger] {
            assert_eq!(everything(&room, &viewer, conversation, answer).await, ["conversation_not_found"; 8]);
            assert!(room.chat.conversations(&viewer, None, 10).await.unwrap().is_empty());
        }
        assert_eq!(room.messages(conversation).await.len(), 2);
        assert!(!everything(&room, &manager, conversation, answer).await.contains(&"conversation_not_found"));
    }
}

/// What becomes of everything that can be done with a conversation.
async fn everything(room: &Room, viewer: &Viewer, id: ConversationId, answer: MessageId) -> [&'static str; 8] {
    let chat = &room.chat;
    let code = |error: ChatError| error.code();
    let any = |_: &crate::Conversation| Ok::<(), ChatError>(());
    [
        chat.conversation(viewer, id).await.map_or_else(code, |_| "done"),
        chat.change(viewer, id, Change::default(), any).await.map_or_else(code, |_| "done"),
        chat.messages(viewer, id, 0, 10).await.map_or_else(code, |_| "done"),
        room.with_writers(chat.post(viewer, &room.call, id, question("Hi"))).await.map_or_else(code, |_| "done"),
        chat.post_streaming(viewer, &room.call, id, question("Hi")).await.map_or_else(code, |_| "done"),
        chat.follow(viewer, id, answer, 0).await.map_or_else(code, |_| "done"),
        chat.cancel(viewer, id, answer, &room.call).await.map_or_else(code, |_| "done"),
        chat.delete(viewer, id, any).await.map_or_else(code, |()| "done"),
    ]
}

#[tokio::test]
async fn a_message_is_found_in_its_own_conversation_only() {
    for room in rooms().await {
        let (here, there) = (room.conversation().await, room.conversation().await);
        let answer = room.post(here, "Hi").await.unwrap().answer.id;
        let refused = room.follow(there, answer, 0).await.unwrap_err();
        assert_eq!(refused.code(), "message_not_found");
    }
}

#[tokio::test]
async fn conversations_are_listed_newest_first_and_page_by_page() {
    for room in rooms().await {
        let mut all = Vec::new();
        for _ in 0..7 {
            room.fakes.clock.advance(Duration::from_millis(1));
            all.insert(0, room.conversation().await);
        }
        let newest = room.chat.conversation(&room.owner, all[0]).await.unwrap();
        assert_eq!(room.chat.conversations(&room.owner, None, 1).await.unwrap(), [newest]);
        let mut listed = Vec::new();
        while listed.len() < 7 {
            let page = room.chat.conversations(&room.owner, listed.last().copied(), 3).await.unwrap();
            listed.extend(page.iter().map(|conversation| conversation.id));
            // What is begun in between does not move the pages.
            room.fakes.clock.advance(Duration::from_millis(1));
            room.conversation().await;
        }
        assert_eq!(listed, all);
    }
}

#[tokio::test]
async fn messages_are_listed_oldest_first_and_page_by_page() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        for _ in 0..3 {
            room.post(conversation, "Hi").await.unwrap();
        }
        for (after, expected) in [(0, &[1, 2, 3, 4][..]), (4, &[5, 6]), (6, &[]), (-9, &[1, 2, 3, 4]), (i64::MAX, &[])]
        {
            let page = room.chat.messages(&room.owner, conversation, after, 4).await.unwrap();
            let positions: Vec<i64> = page.messages.iter().map(|message| message.position).collect();
            assert_eq!((&*positions, page.has_more), (expected, after <= 0), "after {after}");
        }
    }
}

#[tokio::test]
async fn a_title_changes_alone_and_only_on_its_condition() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let title = |text: &str| Change { title: Some(Some(Title::parse(text).unwrap())), agent: None };
        let any = |_: &crate::Conversation| Ok::<(), ChatError>(());
        let changed = room.chat.change(&room.owner, conversation, title("Kraków"), any).await.unwrap();
        assert_eq!((changed.title.as_deref(), changed.version), (Some("Kraków"), 2));
        assert_eq!(room.chat.conversation(&room.owner, conversation).await.unwrap(), changed);

        let never = |_: &crate::Conversation| Err(ChatError::AnswerEnded);
        room.chat.change(&room.owner, conversation, title("Gdańsk"), never).await.unwrap_err();
        let nobody = Change { agent: Some("nobody".to_owned()), ..title("Gdańsk") };
        let refused = room.chat.change(&room.owner, conversation, nobody, any).await.unwrap_err();
        assert_eq!(refused.code(), "agent_not_found");
        assert_eq!(room.chat.conversation(&room.owner, conversation).await.unwrap(), changed);

        let without = Change { title: Some(None), agent: None };
        assert_eq!(room.chat.change(&room.owner, conversation, without, any).await.unwrap().title, None);
    }
}
