use std::collections::HashSet;

use fault::Fault;
use futures::future::join_all;
use llm::ModelError;

use super::*;

#[tokio::test]
async fn a_message_and_its_answer_are_stored_side_by_side() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posted = room.post(conversation, "Hi 🌍").await.unwrap();
        assert_eq!((posted.question.position, posted.answer.position), (1, 2));
        assert_eq!(posted.answer.content, "Hello there!");
        assert_eq!(posted.answer.model.as_deref(), Some("parrot"));
        assert_eq!(posted.answer.usage, Some(crate::Usage { input_tokens: 7, output_tokens: 3 }));
        assert_eq!(room.messages(conversation).await, [posted.question, posted.answer]);
        let seen = room.chat.conversation(&room.owner, conversation).await.unwrap();
        assert_eq!((seen.message_count, seen.version), (2, 2));
    }
}

#[tokio::test]
async fn the_model_is_told_what_was_said_before() {
    for room in rooms().await {
        room.fakes.variables.set("assistant_instructions", "Be kind.");
        let conversation = room.conversation().await;
        room.post(conversation, "one").await.unwrap();
        room.stream(conversation, "two").await;
        room.post(conversation, "three").await.unwrap();
        let asked = room.model.was_asked();
        let exchange = |text| vec![format!("user: {text}"), "assistant: Hello there!".to_owned()];
        let before = [vec!["system: Be kind.".to_owned()], exchange("one"), exchange("two")].concat();
        assert_eq!(asked[2], [before, vec!["user: three".to_owned()]].concat());
    }
}

#[tokio::test]
async fn the_model_is_told_of_the_newest_messages_only() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        for number in 0..30 {
            room.post(conversation, &format!("{number}")).await.unwrap();
        }
        let asked = room.model.was_asked().pop().unwrap();
        assert_eq!((asked.len(), &*asked[0], &*asked[50]), (51, "user: 4", "user: 29"));
    }
}

#[tokio::test]
async fn when_the_model_fails_nothing_is_stored() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        for (status, error) in [
            (503, ModelError::RateLimited { retry_after_ms: Some(1500) }),
            (422, ModelError::ContextExceeded),
            (500, ModelError::AuthFailed),
            (500, ModelError::Misconfigured { reason: "no model".into() }),
            (503, ModelError::Timeout { limit_ms: 0 }),
        ] {
            room.model.refuses(status, &error);
            let refused = room.post(conversation, "Hi").await.unwrap_err();
            assert_eq!((refused.code(), refused.retry_after_ms()), (error.code(), error.retry_after_ms()));
        }
        assert_eq!(room.transcript(conversation).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_message_that_no_model_could_read_is_refused_before_it_is_asked() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let refused = room.post(conversation, &"word ".repeat(1000)).await.unwrap_err();
        assert_eq!(refused.code(), "context_exceeded");
        assert_eq!(refused.fields()[0].pointer, "/content");
        assert!(room.model.was_asked().is_empty());
    }
}

#[tokio::test]
async fn a_model_that_the_catalogue_lacks_is_a_fault_of_the_deployment() {
    for room in rooms().await {
        room.fakes.variables.set("default_model", "gpt-nine");
        let conversation = room.conversation().await;
        let refused = room.post(conversation, "Hi").await.unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("model_misconfigured", fault::Kind::Internal));
        // Or it lacks it since the agent was looked up.
        room.fakes.variables.set("default_model", "");
        room.post(conversation, "Hi").await.unwrap();
        room.model.refuses(422, &ModelError::UnknownModel);
        assert_eq!(room.post(conversation, "Hi").await.unwrap_err().code(), "model_misconfigured");
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(lines(&events)[1..], [r#"2 message.failed {"code":"model_misconfigured"}"#]);
    }
}

/// Two hundred clients at once are a scenario of their own; here more posts than there are connections take turns.
#[tokio::test]
async fn posts_at_once_lose_and_double_nothing() {
    const POSTS: i64 = 100;
    for room in rooms().await {
        let conversation = room.conversation().await;
        // Sleeps of retries return at once; there is no deadline here that could pass.
        room.fakes.clock.make_impatient();
        let posts = (0..POSTS).map(|number| {
            let room = &room;
            async move {
                if number % 2 == 0 {
                    room.post(conversation, &format!("message {number}")).await.map(|_| ())
                } else {
                    let text = content(&format!("message {number}"));
                    room.chat.post_streaming(&room.owner, &room.call, conversation, text).await.map(|_| ())
                }
            }
        });
        for outcome in join_all(posts).await {
            outcome.unwrap();
        }
        let messages = room.messages(conversation).await;
        let expected: Vec<i64> = (1..=2 * POSTS).collect();
        assert_eq!(messages.iter().map(|message| message.position).collect::<Vec<_>>(), expected);
        for pair in messages.chunks(2) {
            assert_eq!(pair.iter().map(|message| message.author.as_str()).collect::<Vec<_>>(), ["user", "assistant"]);
        }
        let said: HashSet<String> = messages.iter().step_by(2).map(|message| message.content.clone()).collect();
        let sent: HashSet<String> = (0..POSTS).map(|number| format!("message {number}")).collect();
        assert_eq!(said, sent, "nothing is lost and nothing is stored twice");
    }
}

#[tokio::test]
async fn nothing_can_be_posted_into_a_conversation_that_is_not_there() {
    for room in rooms().await {
        let conversation = room.fakes.host.new_id();
        assert_eq!(room.post(conversation, "Hi").await.unwrap_err().code(), "conversation_not_found");
        assert!(room.model.was_asked().is_empty());
    }
}
